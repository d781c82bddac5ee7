// The calls of docs/transfer_learning.md, compiled and run: features on disk, policies of fine-tuning, the search for
// the depth of reuse and the ranking of sources, on a small task that it draws itself.
//
// Short run:

#include <graft/graft.hpp>

#include <cstdio>

namespace {

struct Points {
  graft::Tensor<float> x{{300, 6}}, y{{300}};

  explicit Points(std::uint64_t seed) {
    graft::Rng rng(seed);
    for (graft::Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.uniform(-1, 1));
    for (graft::Index i = 0; i < 300; ++i) y[i] = x[i * 6] * x[i * 6 + 1] > 0 ? 1.0f : 0.0f;
  }
};

graft::Sequential<float> make_base() {
  return graft::Sequential(
      {graft::Dense(32, {.activation = "relu", .name = "block1_dense", .input_shape = graft::Shape{6}}),
       graft::BatchNormalization({.name = "block1_bn"}),
       graft::Dense(16, {.activation = "relu", .name = "block2_dense"})});
}

}  // namespace

int main() {
  graft::set_random_seed(1);
  const Points points(1);
  const auto &x_train = points.x, &y_train = points.y;
  const auto base = make_base(), other = make_base();
  const graft::Sequential model({base, graft::Dense(1, {.activation = "sigmoid", .name = "head"})});

  {
    // README: begin
    auto features = graft::extract_features(base, x_train, "features.h5");  // a second run computes nothing

    graft::Sequential head({graft::Dense(1, {.activation = "sigmoid", .input_shape = graft::Shape{16}})});
    head.compile({.optimizer = "adam", .loss = "binary_crossentropy"});
    head.fit(features.arrays(), y_train, {.epochs = 5});
    // README: end
  }
  {
    // README: begin
    graft::freeze(base);
    graft::unfreeze_block(base, "block2");             // by block; by name: unfreeze_from(base, "block2_dense")
    graft::discriminative_learning_rates(model, 2.6);  // the lower, the smaller
    graft::set_learning_rate_multiplier(model.get_layer("head"), 2);
    // README: end
    graft::reset_learning_rates(model);
  }
  model.compile({.optimizer = "sgd", .loss = "binary_crossentropy", .metrics = {"accuracy"}});
  {
    // README: begin
    const graft::BnPolicies bn{.layers = {{"block1_bn", graft::BnPolicy::reestimate}}};
    auto report = graft::fine_tune(model, {x_train, y_train},
                                   {.head = {.epochs = 3},
                                    .tuning = {.epochs = 6},
                                    .strategy = graft::Strategy::by_data,
                                    .bn = bn,
                                    .discriminative_decay = 2.6,
                                    .gradual_unfreezing = true,
                                    .cache_file = "tuning.h5"});
    std::puts(report.text.c_str());
    // README: end
  }
  const graft::Sequential source({make_base(), graft::Dense(1, {.activation = "sigmoid", .name = "old_head"})});
  source.compile({.optimizer = "adam", .loss = "binary_crossentropy"});
  source.fit(x_train, y_train, {.epochs = 2, .verbose = graft::Verbose::silent});
  {
    // README: begin
    auto fisher = graft::fisher_information(source, x_train, y_train, {.samples = 200});
    const auto& data = graft::TrainingData<float>(x_train, y_train);

    graft::FineTuneOptions<float> probed, held, slanted, low_rank;
    probed.lp_ft = graft::LpFt{.max_epochs = 50};
    probed.wise_ft = graft::WiseFt{.alpha = 0.5};
    held.ewc = graft::EWC<float>{fisher, 10};
    held.ema = graft::Ema{0.99};
    slanted.gradual_unfreezing = true;
    slanted.slanted_triangular = graft::SlantedTriangularOptions{};
    low_rank.lora = graft::Lora<float>{.rank = 2};
    for (const auto& recipe : {probed, held, slanted, low_rank}) graft::fine_tune(model, data, recipe);

    graft::save_lora(model, "adapters.h5", {.layers = {"head"}});  // kilobytes; load_lora reads them
    graft::merge_lora(model);                                      // plain layers again, to 1e-5 the same numbers
    // README: end
  }
  const auto accuracy_of = [&](bool reuse, std::uint64_t seed) {
    const Points train(100 + seed), test(200 + seed);
    const std::vector<graft::Layer<float>> new_head = {graft::Dense(1, {.activation = "sigmoid"})};
    const auto fresh = reuse ? graft::reuse_layers<float>(source, new_head).model
                             : graft::Sequential<float>({make_base(), new_head[0]});
    fresh.compile({.optimizer = "adam", .loss = "binary_crossentropy", .metrics = {"accuracy"}});
    fresh.fit(train.x, train.y, {.epochs = 2, .verbose = graft::Verbose::silent});
    return fresh.evaluate(test.x, test.y)[1];
  };
  {
    // README: begin
    const auto run = [&](bool reuse, std::uint64_t seed) { return accuracy_of(reuse, seed); };
    auto worth = graft::transfer_report([&](std::uint64_t seed) { return run(true, seed); },
                                        [&](std::uint64_t seed) { return run(false, seed); });
    std::puts(worth.text.c_str());  // means, standard deviations, paired 95 % interval, verdict
    // README: end
  }
  {
    // README: begin
    auto found = graft::search_reuse_depth(base, {x_train, y_train});
    std::puts(found.text.c_str());  // depth, probe, fine-tuned, cost
    found.model.save("best.h5");

    auto ranking = graft::rank_sources<float>({base, other}, {x_train, y_train});
    std::puts(ranking.text.c_str());
    // README: end
  }
  {
    // README: begin
    model.compile({.optimizer = "sgd", .loss = "binary_crossentropy", .lints = {.silence = {"random_head"}}});
    for (const auto& lint : model.lints()) std::puts(lint.text().c_str());
    // README: end
  }
  return 0;
}
