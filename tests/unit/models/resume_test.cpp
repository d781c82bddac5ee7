#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>

#include "graft/models/callbacks/callbacks.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"
#include "tests/support/temp_dir.hpp"

using namespace graft;
using test::contains;
using test::message;
using test::same;

namespace {

const Shape kResumePicture{6, 6, 2};

struct Interrupted {};

/// Stops the process's training as a kill would, after so many batches.
class Interrupt : public Callback<float> {
 public:
  explicit Interrupt(Index batches) : left_(batches) {}
  void on_train_batch_end(Index, double) override {
    if (left_-- == 0) throw Interrupted();
  }

 private:
  Index left_;
};

/// A net with everything that a run must remember: dropout, augmentation, moving statistics, a frozen layer.
Sequential<float> net() {
  const Sequential<float> model(
      {Conv2D(4, 3, {.activation = "relu", .trainable = false, .input_shape = kResumePicture}), RandomFlip(),
       RandomContrast(0.5, {.value_range = {-10, 10}}), BatchNormalization(), Dropout(0.3), Flatten(),
       Dense(8, {.activation = "relu"}), GaussianNoise(0.1), Dense(2, {.activation = "softmax"})});
  Rng rng(5);
  for (const auto& weight : model.weights()) {
    for (float& value : weight->mutable_value().view().span()) value = static_cast<float>(rng.uniform(0.1, 0.4));
  }
  return model;
}
struct Data {
  Tensor<float> x{kResumePicture.with_batch(50)}, y{Shape{50}}, x_valid{kResumePicture.with_batch(20)},
      y_valid{Shape{20}};
};
const Data& data() {
  static const Data data = [] {
    Data made;
    Rng rng(9);
    for (Tensor<float>* x : {&made.x, &made.x_valid}) {
      for (float& value : x->view().span()) value = static_cast<float>(rng.normal());
    }
    for (Tensor<float>* y : {&made.y, &made.y_valid}) {
      for (float& value : y->view().span()) value = static_cast<float>(rng.below(2));
    }
    return made;
  }();
  return data;
}

struct Run {
  Optimizer<float> optimizer = "adam";
  SaveFrequency save_freq = "epoch";
  bool cached = false;
  Index epochs = 4;
  bool dataset = false;
  Index steps_per_epoch = 0;
};
using Callbacks = std::vector<std::shared_ptr<Callback<float>>>;

/// Trains a new net with a backup in `dir` and, if wanted, an interruption; returns weights and history.
std::pair<std::vector<Tensor<float>>, History> train(const std::string& dir, const Run& run, Index interrupt_after = -1,
                                                     Callbacks more = {}) {
  const auto model = net();
  model.compile({.optimizer = Optimizer<float>::from_config(run.optimizer.config()),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"}});
  Callbacks callbacks{std::make_shared<BackupAndRestore<>>(
      dir, BackupAndRestoreOptions{.save_freq = run.save_freq, .delete_checkpoint = false})};
  if (run.optimizer.class_name() != "MultiOptimizer") {  // which has no learning rate
    callbacks.push_back(std::make_shared<ReduceLROnPlateau<>>(
        ReduceLROnPlateauOptions{.monitor = "loss", .factor = 0.5, .patience = 1, .min_delta = 0.05}));
  }
  callbacks.insert(callbacks.end(), more.begin(), more.end());
  if (interrupt_after >= 0) callbacks.push_back(std::make_shared<Interrupt>(interrupt_after));
  else callbacks.push_back(std::make_shared<Interrupt>(Index{1} << 40));
  set_random_seed(3);
  const FitOptions<float> options{.batch_size = 8,
                                  .epochs = run.epochs,
                                  .verbose = Verbose::silent,
                                  .callbacks = callbacks,
                                  .validation_data = {{data().x_valid, data().y_valid}},
                                  .steps_per_epoch = run.steps_per_epoch,
                                  .cache_frozen_prefix = run.cached};
  auto batches = Dataset<>::from_tensors(data().x, data().y).shuffle(20, {.seed = 4});
  if (run.steps_per_epoch > 0) batches = batches.repeat();
  auto history =
      run.dataset ? model.fit(batches.batch(8).prefetch(2), options) : model.fit(data().x, data().y, options);
  return {model.get_weights(), std::move(history)};
}

void check_same(const std::pair<std::vector<Tensor<float>>, History>& a,
                const std::pair<std::vector<Tensor<float>>, History>& b) {
  CHECK(same(a.first, b.first));
  REQUIRE(a.second.epoch == b.second.epoch);
  REQUIRE(a.second.keys() == b.second.keys());
  for (const auto& key : a.second.keys()) {
    CAPTURE(key);
    CHECK(a.second[key] == b.second[key]);
  }
}

/// Interrupts after each of these numbers of batches, and goes on.
void check_resume(const Run& run, const std::vector<Index>& interruptions) {
  const test::TempDir whole, broken;
  const auto expected = train(whole.path(), run);
  for (const Index after : interruptions) CHECK_THROWS_AS(train(broken.path(), run, after), Interrupted);
  check_same(train(broken.path(), run), expected);
}

}  // namespace

TEST_CASE("BackupAndRestore: an interrupted run ends with the same bits as one that was not") {
  const Index batches = 7;  // of an epoch
  SECTION("between epochs") {
    for (const Index after : {Index{0}, batches, batches + 3, 4 * batches - 1}) check_resume({}, {after});
    check_resume({}, {2, batches + 1, 3, batches, 0});
  }
  SECTION("within epochs") {
    for (const Index after : {Index{1}, Index{5}, batches - 1, batches, 2 * batches + 3}) {
      CAPTURE(after);
      check_resume({.save_freq = 2}, {after});
    }
    check_resume({.save_freq = 1}, {3, 2, 1, 5, 4, 2});
    check_resume({.save_freq = 3}, {batches, 1, batches + 2});
  }
  SECTION("over a dataset") {
    check_resume({.save_freq = 2, .dataset = true}, {5, batches, 0});
    check_resume({.dataset = true}, {batches + 2});
    check_resume({.save_freq = 1, .dataset = true, .steps_per_epoch = 5}, {3, 4, 6, 1});
    check_resume({.dataset = true, .steps_per_epoch = 10}, {13});
  }
  SECTION("over a cached prefix") { check_resume({.save_freq = 2, .cached = true}, {5, batches}); }
}

TEST_CASE("BackupAndRestore: every optimizer goes on with its state") {
  const std::vector<Optimizer<float>> optimizers{SGD({.learning_rate = 0.05, .momentum = 0.9, .nesterov = true}),
                                                 RMSprop({.momentum = 0.5, .centered = true}),
                                                 Adam({.amsgrad = true}),
                                                 AdamW(),
                                                 Nadam(),
                                                 Adamax(),
                                                 Adagrad(),
                                                 Adadelta(),
                                                 Ftrl(),
                                                 Lamb(),
                                                 Lion(),
                                                 Adafactor(),
                                                 Muon(),
                                                 ScheduleFreeAdamW({.warmup_steps = 6}),
                                                 MultiOptimizer(OptimizerMap("adafactor", {{".*/bias", "nadam"}}))};
  for (const auto& optimizer : optimizers) {
    CAPTURE(optimizer.class_name());
    check_resume({.optimizer = optimizer, .save_freq = 2, .epochs = 2}, {4, 5});
  }
}

TEST_CASE("BackupAndRestore: what the other callbacks remember") {
  const auto run = [](const std::string& dir, Index after) {
    const auto stop = std::make_shared<EarlyStopping<>>(
        EarlyStoppingOptions{.monitor = "val_loss", .patience = 2, .restore_best_weights = true});
    auto result = train(dir, {.optimizer = SGD({.learning_rate = 2.0}), .epochs = 30}, after, {stop});
    return std::pair(std::move(result), stop->stopped_epoch());
  };
  const test::TempDir whole, broken;
  const auto expected = run(whole.path(), -1);
  REQUIRE(expected.second);
  REQUIRE(*expected.second >= 2);
  const Index last = *expected.second;
  // In the epoch in which it stops: the count and the best weights come from the backup.
  CHECK_THROWS_AS(run(broken.path(), 7 * last + 3), Interrupted);
  const auto resumed = run(broken.path(), -1);
  check_same(resumed.first, expected.first);
  CHECK(resumed.second == expected.second);
}

TEST_CASE("BackupAndRestore: the backup goes when fit is done, and one of another run is refused") {
  const test::TempDir dir;
  const auto fit = [&](const Sequential<float>& model, Optimizer<float> optimizer, bool interrupt, Index batch_size = 8,
                       bool keep = false, Callbacks more = {}) {
    model.compile({.optimizer = std::move(optimizer), .loss = "sparse_categorical_crossentropy"});
    Callbacks callbacks{std::make_shared<BackupAndRestore<>>(
        dir.path() + "/deep/backup", BackupAndRestoreOptions{.save_freq = 2, .delete_checkpoint = !keep})};
    callbacks.push_back(std::make_shared<Interrupt>(interrupt ? 5 : Index{1} << 40));
    callbacks.insert(callbacks.end(), more.begin(), more.end());
    model.fit(data().x, data().y,
              {.batch_size = batch_size, .epochs = 1, .verbose = Verbose::silent, .callbacks = callbacks});
  };
  const std::string path = BackupAndRestore<>(dir.path() + "/deep/backup").path();
  fit(net(), "adam", false);
  CHECK_FALSE(file_exists(path));
  CHECK_THROWS_AS(fit(net(), "adam", true), Interrupted);
  REQUIRE(file_exists(path));

  const auto refused = [&](const Sequential<float>& model, Optimizer<float> optimizer, Index batch_size = 8,
                           Callbacks more = {}) {
    return message<StateError>([&] { fit(model, std::move(optimizer), false, batch_size, false, std::move(more)); });
  };
  CHECK(contains(refused(net(), "sgd"), "Adam"));
  CHECK(contains(refused(net(), "adam", 10), "7 batches over 50 samples"));
  CHECK(contains(refused(net(), "adam", 8, {std::make_shared<TerminateOnNaN<>>()}), "2 callbacks"));
  const Sequential<float> other({Flatten({.input_shape = kResumePicture}), Dense(2, {.activation = "softmax"})});
  CHECK(contains(refused(other, "adam"), "another backup_dir"));

  // A damaged file is an error, whatever byte is wrong.
  std::FILE* file = std::fopen(path.c_str(), "r+b");
  REQUIRE(file);
  std::fseek(file, 100, SEEK_SET);
  std::fputc(0x5a, file);
  std::fclose(file);
  CHECK(contains(message<FileError>([&] { fit(net(), "adam", false); }), "damaged"));
  REQUIRE(::truncate(path.c_str(), 2) == 0);
  CHECK(contains(message<FileError>([&] { fit(net(), "adam", false); }), "damaged"));
}

// What the test below starts and kills: trains with a backup in GRAFT_RESUME_DIR and writes the weights there.
TEST_CASE("The run that is killed", "[.resume-child]") {
  const char* dir = std::getenv("GRAFT_RESUME_DIR");
  REQUIRE(dir);
  const std::string folder = dir;
  const auto slow = std::make_shared<LambdaCallback<>>(LambdaCallbackOptions{
      .on_train_batch_end = [](Index, const Logs&) { std::this_thread::sleep_for(std::chrono::milliseconds(3)); }});
  const Callbacks more{std::make_shared<EarlyStopping<>>(
                           EarlyStoppingOptions{.monitor = "val_loss", .patience = 50, .restore_best_weights = true}),
                       std::make_shared<CSVLogger<>>(folder + "/log.csv"), slow};
  const auto result = train(folder + "/backup", {.save_freq = 1, .epochs = 12}, -1, more);
  std::string bytes;
  for (const auto& weight : result.first) {
    bytes.append(reinterpret_cast<const char*>(weight.data()), static_cast<std::size_t>(weight.size()) * sizeof(float));
  }
  for (const auto& key : result.second.keys()) {
    for (const double value : result.second[key]) bytes += key + " " + text::number("%.17g", value) + "\n";
  }
  AtomicFile file(folder + "/result");
  std::FILE* to = std::fopen(file.temporary().c_str(), "wb");
  REQUIRE(to);
  REQUIRE(std::fwrite(bytes.data(), 1, bytes.size(), to) == bytes.size());
  std::fclose(to);
  file.commit();
}

namespace {

std::string content_of(const std::string& path) {
  std::string content;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (!file) return content;
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) content.append(buffer, n);
  std::fclose(file);
  return content;
}

/// Starts this program anew for the test above; kills it after so many microseconds (-1: never). True when it came to
/// its end.
bool run_child(const std::string& dir, long microseconds) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("GRAFT_RESUME_DIR", dir.c_str(), 1);
    (void)std::freopen("/dev/null", "w", stdout);
    ::execl("/proc/self/exe", "graft_test", "[.resume-child]", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  REQUIRE(child > 0);
  if (microseconds >= 0) {
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
    ::kill(child, SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFEXITED(status)) REQUIRE(WEXITSTATUS(status) == 0);
  return WIFEXITED(status);
}

}  // namespace

// GRAFT_RESUME_ROUNDS=20 does it that often.
TEST_CASE("BackupAndRestore: a run killed at random moments and started again ends with the same bits") {
  const test::TempDir whole;
  REQUIRE(run_child(whole.path(), -1));
  const std::string expected = content_of(whole.path() + "/result");
  REQUIRE(expected.size() > 1000);
  const char* rounds_wanted = std::getenv("GRAFT_RESUME_ROUNDS");
  const int rounds = rounds_wanted ? std::atoi(rounds_wanted) : 1;
  std::mt19937_64 random{std::random_device()()};
  for (int round = 0; round < rounds; ++round) {
    const test::TempDir dir;
    int kills = 0;
    // The batches alone take a quarter of a second. A slow machine gets more time, attempt by attempt.
    while (!run_child(dir.path(), static_cast<long>(random() % static_cast<unsigned>(60000 + 20000 * kills)))) ++kills;
    CAPTURE(round, kills);
    CHECK(kills >= 3);
    CHECK(content_of(dir.path() + "/result") == expected);
    CHECK(content_of(dir.path() + "/log.csv") == content_of(whole.path() + "/log.csv"));
    if (rounds > 1) std::printf("round %d: %d kills\n", round + 1, kills);
  }
}
