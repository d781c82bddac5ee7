// The code of docs/training.md as a program: augmentation, callbacks, and a training that goes on where it was
// interrupted. What stands between the markers is the page's text, word by word (a test compares the two). The first
// run is interrupted after its second epoch; the second one goes on and must end with the bits of a third that was not.
//
// Short run:

#include <graft/graft.hpp>

#include <cstdio>
#include <filesystem>

using graft::Index, graft::Tensor;

namespace {

struct Interrupted {};

struct Data {
  Tensor<float> x, y;
};

// Pictures of a bright corner, whose place is the class.
Data corners(Index samples) {
  Data data{Tensor<float>({samples, 12, 12, 3}), Tensor<float>({samples})};
  graft::Rng rng(7);
  for (Index i = 0; i < samples; ++i) {
    data.y[i] = static_cast<float>(i % 2);
    for (Index row = 0; row < 12; ++row) {
      for (Index at = 0; at < 36; ++at) {
        const bool lit = row < 5 && (i % 2 == 0) == (at < 15);
        data.x[(i * 12 + row) * 36 + at] = static_cast<float>(255 * (lit ? 0.8 : 0.2 * rng.uniform()));
      }
    }
  }
  return data;
}

// README: begin
graft::Sequential<float> make_model() {
  graft::Sequential model({graft::RandomTranslation(0.1, 0.1, {.input_shape = graft::Shape{12, 12, 3}}),
                           graft::RandomBrightness(0.2), graft::RandomContrast(0.3), graft::RandomErasing(0.5),
                           graft::Rescaling(1.0 / 255), graft::Conv2D(8, 3, {.activation = "relu"}),
                           graft::GlobalAveragePooling2D(), graft::Dropout(0.2),
                           graft::Dense(2, {.activation = "softmax"})});
  model.compile({.optimizer = graft::Adam({.learning_rate = 0.01}),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"}});
  return model;
}
// README: end

graft::History train(const graft::Sequential<float>& model, const Data& data, const std::string& folder,
                     bool interrupted) {
  const Tensor<float>&x = data.x, &y = data.y;
  // README: begin
  graft::set_random_seed(1);
  const auto stopping = std::make_shared<graft::EarlyStopping<>>(
      graft::EarlyStoppingOptions{.monitor = "val_loss", .patience = 5, .restore_best_weights = true});
  std::vector<std::shared_ptr<graft::Callback<>>> callbacks{
      std::make_shared<graft::BackupAndRestore<>>(folder + "/backup"),
      std::make_shared<graft::ReduceLROnPlateau<>>(graft::ReduceLROnPlateauOptions{.factor = 0.5, .patience = 2}),
      std::make_shared<graft::ModelCheckpoint<>>(folder + "/{epoch:02d}-{val_loss:.4f}.keras",
                                                 graft::ModelCheckpointOptions{.save_best_only = true}),
      std::make_shared<graft::CSVLogger<>>(folder + "/log.csv"),
      std::make_shared<graft::TensorBoard<>>(folder + "/logs"),
      std::make_shared<graft::TerminateOnNaN<>>(),
      stopping};
  // README: end
  // A machine that goes down after two epochs.
  callbacks.push_back(std::make_shared<graft::LambdaCallback<>>(
      graft::LambdaCallbackOptions{.on_epoch_begin = [interrupted](Index epoch) {
        if (interrupted && epoch == 2) throw Interrupted();
      }}));
  // README: begin
  auto history = model.fit(x, y,
                           {.batch_size = 16,
                            .epochs = 6,
                            .verbose = graft::Verbose::silent,
                            .callbacks = callbacks,
                            .validation_split = 0.25});
  // README: end
  return history;
}

}  // namespace

int main() {
  const std::string folder = (std::filesystem::temp_directory_path() / "graft_resume_training").string();
  std::filesystem::remove_all(folder);
  const Data data = corners(128);
  try {
    graft::set_random_seed(5);
    (void)train(make_model(), data, folder + "/a", true);
    return 1;
  } catch (const Interrupted&) {
    std::printf("interrupted after 2 epochs\n");
  }
  // What the weights begin with does not matter: the backup has them.
  const auto resumed = make_model();
  const auto history = train(resumed, data, folder + "/a", false);
  graft::set_random_seed(5);
  const auto fresh = make_model();
  (void)train(fresh, data, folder + "/b", false);
  const auto a = resumed.get_weights(), b = fresh.get_weights();
  bool same = true;
  for (std::size_t i = 0; i < a.size(); ++i) same = same && std::equal(a[i].begin(), a[i].end(), b[i].begin());
  std::printf("%zu epochs, accuracy %.3f; weights %s those of a run without interruption\n", history.epoch.size(),
              history["accuracy"].back(), same ? "equal" : "DIFFER FROM");

  Tensor<float> images = data.x, labels({data.y.size(), 2});
  for (Index i = 0; i < data.y.size(); ++i) labels[2 * i + static_cast<Index>(data.y[i])] = 1;
  // README: begin
  graft::MixUp(0.2).mix(images, labels, graft::RandomKey{1});  // a whole batch, in place; labels are one-hot
  // README: end

  const graft::Sequential<float> model = make_model();
  // README: begin
  const graft::OptimizerMap by_weight(graft::SGD({.learning_rate = 1e-3}),
                                      {{"dense.*", graft::Adam({.learning_rate = 1e-2})}});
  model.compile({.optimizer = graft::MultiOptimizer(by_weight), .loss = "sparse_categorical_crossentropy"});
  // README: end
  std::filesystem::remove_all(folder);
  return same ? 0 : 1;
}
