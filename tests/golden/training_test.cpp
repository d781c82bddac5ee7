#include "graft/io/json.hpp"
#include "tests/support/golden.hpp"

namespace {

using golden::difference;
using graft::Config;
using graft::Index;

// Collects what every batch of a run tells.
class BatchLog : public graft::Callback<float> {
 public:
  void on_train_batch_begin(Index) override { rates.push_back(model().optimizer().learning_rate()); }
  void on_train_batch_end(Index, double loss) override { losses.push_back(loss); }
  std::vector<double> losses, rates;
};

// "base/bn0": layer bn0 of the nested model base.
graft::Layer<float> layer_at(const graft::Model<float>& model, const std::string& path) {
  graft::LayerList<float> layers = model.layers();
  graft::Layer<float> found;
  std::size_t from = 0;
  while (from <= path.size()) {
    const std::size_t to = std::min(path.find('/', from), path.size());
    const std::string name = path.substr(from, to - from);
    found = {};
    for (const auto& layer : layers) {
      if (layer.name() == name) found = layer;
    }
    REQUIRE(found);
    layers = graft::LayerList<float>(found.impl().sublayers());
    from = to + 1;
  }
  return found;
}

graft::MetricList<float> metrics_from(const Config& list, std::size_t outputs) {
  if (list.is_null()) return {};
  std::vector<std::vector<graft::Metric<float>>> all;
  if (list.items().size() && list.items()[0].is_array()) {
    for (const auto& inner : list.items()) {
      all.emplace_back();
      for (const auto& metric : inner.items()) all.back().push_back(graft::Metric<float>::from_config(metric));
    }
    return all;
  }
  REQUIRE(outputs == 1);
  all.emplace_back();
  for (const auto& metric : list.items()) all.back().push_back(graft::Metric<float>::from_config(metric));
  return all;
}

// |a - b| relative to the larger of |b| and 1: trajectories are compared to 1e-4.
double off(double a, double b) { return std::abs(a - b) / std::max(1.0, std::abs(b)); }
constexpr double kTolerance = 1e-4;

void check_history(const graft::History& history, const Config& expected) {
  for (const auto& [name, values] : expected.members()) {
    CAPTURE(name);
    REQUIRE(history.contains(name));
    const auto& got = history[name];
    REQUIRE(got.size() == values.items().size());
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(off(got[i], values.items()[i].as_double()) <= kTolerance);
  }
  CHECK(history.keys().size() == expected.members().size());
}

void run_phase(const graft::Model<float>& model, const Config& phase, Index batch_size, const graft::hdf5::Group& data) {
  for (const auto& change : phase.at("set_trainable").items()) {
    layer_at(model, change.items()[0].as_string()).set_trainable(change.items()[1].as_bool());
  }
  const std::size_t outputs = model.outputs().size();
  std::vector<graft::Loss<float>> losses;
  if (phase.at("loss").is_array()) {
    for (const auto& loss : phase.at("loss").items()) losses.push_back(graft::Loss<float>::from_config(loss));
  } else {
    Config loss = phase.at("loss");
    // Keras 3.11.3's Huber.get_config leaves delta out; the run had the delta that gives its first loss.
    if (loss.is_object() && loss.at("class_name").as_string() == "Huber") loss["config"]["delta"] = 0.7;
    losses.push_back(graft::Loss<float>::from_config(loss));
  }
  std::vector<double> loss_weights;
  if (const Config* weights = phase.find_set("loss_weights")) {
    for (const auto& weight : weights->items()) loss_weights.push_back(weight.as_double());
  }
  // The file tells the rate at the end; a scheduler starts from the first one.
  Config optimizer = phase.at("optimizer");
  const auto& rates = phase.at("learning_rate_before_step").items();
  const bool scheduled = !phase.at("callbacks").items().empty();
  if (scheduled) optimizer["config"]["learning_rate"] = rates[0];
  model.compile({.optimizer = graft::Optimizer<float>::from_config(optimizer),
                 .loss = losses,
                 .loss_weights = loss_weights,
                 .metrics = metrics_from(phase.at("metrics"), outputs),
                 .weighted_metrics = metrics_from(phase.at("weighted_metrics"), outputs)});

  const auto x = golden::read_list(data, "x"), y = golden::read_list(data, "y");
  const auto val_x = golden::read_list(data, "val_x"), val_y = golden::read_list(data, "val_y");
  graft::Tensor<float> weight, val_weight;
  graft::FitOptions<float> options;
  options.batch_size = batch_size;
  options.epochs = phase.at("epochs").as_int();
  options.verbose = graft::Verbose::silent;
  options.shuffle = false;
  if (data.exists("sample_weight")) {
    weight = golden::read(data, "sample_weight");
    options.sample_weight = weight;
  }
  if (!val_x.empty()) {
    options.validation_data = graft::TrainingData<float>{golden::arrays(val_x), golden::arrays(val_y)};
    if (data.exists("val_sample_weight")) {
      val_weight = golden::read(data, "val_sample_weight");
      options.validation_data->sample_weight = val_weight;
    }
  }
  if (const Config* weights = phase.find_set("class_weight")) {
    for (const auto& [label, value] : weights->members()) options.class_weight[std::stol(label)] = value.as_double();
  }
  if (scheduled) {
    options.callbacks.push_back(std::make_shared<graft::LearningRateScheduler<float>>(
        [](Index epoch, double rate) { return epoch == 0 ? rate : rate * 0.5; }));
  }
  const auto log = std::make_shared<BatchLog>();
  options.callbacks.push_back(log);
  const graft::History history = model.fit(golden::arrays(x), golden::arrays(y), options);

  const auto& batch_loss = phase.at("batch_loss").items();
  REQUIRE(log->losses.size() == batch_loss.size());
  for (std::size_t i = 0; i < batch_loss.size(); ++i) {
    CAPTURE(i);
    CHECK(off(log->losses[i], batch_loss[i].as_double()) <= kTolerance);
    CHECK(std::abs(log->rates[i] - rates[i].as_double()) <= 1e-5 * rates[i].as_double());  // Keras: float32
  }
  check_history(history, phase.at("history"));
  if (const Config* evaluated = phase.find_set("evaluate_on_train_data")) {
    graft::EvaluateOptions<float> evaluate;
    evaluate.batch_size = batch_size;
    evaluate.sample_weight = options.sample_weight;
    const graft::Logs logs = model.evaluate_logs(golden::arrays(x), golden::arrays(y), evaluate);
    for (const auto& [name, value] : evaluated->members()) {
      CAPTURE(name);
      REQUIRE(logs.find(name));
      CHECK(off(*logs.find(name), value.as_double()) <= kTolerance);
    }
  }
}

void check_after_phase(const graft::Model<float>& model, const graft::hdf5::Group& data, const std::string& phase) {
  const auto expected = golden::read_list(data, phase + "/w");
  const auto weights = model.weights();
  REQUIRE(weights.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i, weights[i]->name());
    CHECK(difference(weights[i]->value(), expected[i], 1) <= kTolerance);
  }
  const auto x = golden::read_list(data, "x"), predictions = golden::read_list(data, phase + "/predict");
  const auto got = model.predict_all(golden::arrays(x));
  for (std::size_t i = 0; i < predictions.size(); ++i) CHECK(difference(got[i], predictions[i], 1) <= kTolerance);
}

}  // namespace

TEST_CASE("Golden training: losses, weights and logs follow Keras batch by batch", "[golden]") {
  const auto folder = golden::folder("training");
  int checked = 0, others = 0;
  for (const auto& entry : folder.index) {
    const std::string name = entry["name"], start = folder.path + "/" + name + ".start.h5";
    if (!golden::supported(golden::model_config(start))) {
      ++others;
      continue;
    }
    DYNAMIC_SECTION(name) {
      const auto model = graft::load_model(start);
      std::ifstream file(folder.path + "/" + name + ".json");
      const std::string text((std::istreambuf_iterator<char>(file)), {});
      const Config run = graft::json::parse(text, name);
      const auto data = graft::hdf5::File::open(folder.path + "/" + name + ".data.h5");
      Index phase = 0;
      for (const auto& config : run.at("phases").items()) {
        run_phase(model, config, run.at("batch_size").as_int(), data.root());
        check_after_phase(model, data.root(), "phase" + std::to_string(phase++));
      }
    }
    ++checked;
  }
  INFO(others << " cases are of layers that graft does not have");
  CHECK(checked >= 67);
}

TEST_CASE("Golden resume: a compiled file goes on training where Keras stopped", "[golden]") {
  const auto folder = golden::folder("training/resume");
  REQUIRE(folder.index.size() == 3);
  for (const auto& entry : folder.index) {
    const std::string name = entry["name"];
    for (const std::string& file : golden::formats(folder.path + "/" + name, {".h5", ".keras"})) {
      CAPTURE(file);
      graft::LoadReport report;
      const auto model = graft::load_model(file, {.report = &report});
      REQUIRE(model.compiled());
      CHECK(report.warnings.empty());
      const auto run = golden::read_json(folder.path + "/" + name + ".json");
      const Index batch = run["batch_size"], before = run["batches_before_saving"];
      CHECK(model.optimizer().iterations() == before);
      const auto data = graft::hdf5::File::open(folder.path + "/" + name + ".data.h5");
      const auto x = golden::read(data.root(), "x/0"), y = golden::read(data.root(), "y/0");
      Index step = before;
      for (const double expected : run["loss_after_resuming"]) {
        const auto losses = model.train_on_batch(x.rows(step * batch, (step + 1) * batch), y.rows(step * batch, (step + 1) * batch));
        CHECK(off(losses[0], expected) <= kTolerance);
        ++step;
      }
      const auto expected = golden::read_list(data.root(), "w_after");
      const auto weights = model.get_weights();
      REQUIRE(weights.size() == expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i) CHECK(difference(weights[i], expected[i], 1) <= kTolerance);
    }
  }
}
