#include "graft/models/callbacks/callbacks.hpp"

#include <sys/stat.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"
#include "tests/support/temp_dir.hpp"

using namespace graft;
using test::contains;
using test::message;
using test::same;

namespace {

using Callbacks = std::vector<std::shared_ptr<Callback<float>>>;

/// Puts numbers of one's own into the logs of every epoch.
std::shared_ptr<Callback<float>> logs_of(std::map<std::string, std::vector<double>> series) {
  return std::make_shared<LambdaCallback<>>(
      LambdaCallbackOptions{.on_epoch_end = [series = std::move(series)](Index epoch, Logs& logs) {
        for (const auto& [name, values] : series) {
          if (epoch < static_cast<Index>(values.size())) logs.set(name, values[static_cast<std::size_t>(epoch)]);
        }
      }});
}

struct Trained {
  Sequential<float> model;
  History history;
};

/// A small net, trained with these callbacks.
Trained train(const Callbacks& callbacks, Index epochs, double learning_rate = 0.01, Index initial_epoch = 0) {
  const auto task = test::octants(40, 3, 2);
  Trained result{test::classifier(3, 4), {}};
  result.model.compile({.optimizer = SGD({.learning_rate = learning_rate}),
                        .loss = "sparse_categorical_crossentropy",
                        .metrics = {"accuracy"}});
  result.history = result.model.fit(task.x, task.y,
                                    {.batch_size = 10,
                                     .epochs = epochs,
                                     .verbose = Verbose::silent,
                                     .callbacks = callbacks,
                                     .initial_epoch = initial_epoch});
  return result;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace

TEST_CASE("EarlyStopping: when it ends the training, and which weights come back") {
  const auto epochs = [](EarlyStoppingOptions options, std::vector<double> values) {
    options.monitor = "watched";
    if (options.mode == "auto") options.mode = "min";
    const auto stop = std::make_shared<EarlyStopping<>>(options);
    const auto result = train({logs_of({{"watched", values}}), stop}, static_cast<Index>(values.size()));
    CHECK(stop->stopped_epoch().has_value() == (result.history.epoch.size() < values.size()));
    return static_cast<Index>(result.history.epoch.size());
  };
  // Without patience the first epoch that is not better is the last one.
  CHECK(epochs({}, {5, 4, 4, 1, 1}) == 3);
  CHECK(epochs({.patience = 2}, {5, 4, 4, 3, 3, 3, 1}) == 6);
  CHECK(epochs({.min_delta = 0.5}, {5, 4, 3.6, 1}) == 3);
  CHECK(epochs({.min_delta = -0.5}, {5, 4, 3.6, 1}) == 3);  // its size counts
  CHECK(epochs({.mode = "max"}, {1, 2, 3, 3, 5}) == 4);
  CHECK(epochs({.mode = "max", .baseline = 2.5}, {1, 3, 4, 5, 4, 6}) == 5);
  // Better than before, but not than the baseline: goes on, without forgetting the count.
  CHECK(epochs({.patience = 2}, {5, 4, 4, 1}) == 4);
  CHECK(epochs({.patience = 2, .baseline = 2.0}, {5, 4, 4, 1}) == 3);
  CHECK(epochs({.patience = 2, .baseline = 2.0}, {5, 4, 3, 2.5, 1}) == 5);
  CHECK(epochs({.start_from_epoch = 3}, {1, 2, 3, 4, 3, 5, 6}) == 6);
  CHECK(epochs({.patience = 1}, {NAN, NAN, 1}) == 2);

  // The weights of the best epoch, also without an early stop.
  std::vector<std::vector<Tensor<float>>> after;
  Sequential<float> watched;
  for (const bool stops : {true, false}) {
    after.clear();
    class Keep : public Callback<float> {
     public:
      explicit Keep(std::vector<std::vector<Tensor<float>>>& to) : to_(to) {}
      void on_epoch_end(Index, Logs&) override { to_.push_back(model().get_weights()); }

     private:
      std::vector<std::vector<Tensor<float>>>& to_;
    };
    const auto result =
        train({logs_of({{"watched", {5, 2, 3, 4, 4}}}), std::make_shared<Keep>(after),
               std::make_shared<EarlyStopping<>>(EarlyStoppingOptions{
                   .monitor = "watched", .patience = stops ? 2 : 9, .mode = "min", .restore_best_weights = true})},
              5);
    CHECK(after.size() == (stops ? 4u : 5u));
    CHECK(same(result.model.get_weights(), after[1]));
    CHECK_FALSE(same(after[1], after[2]));
  }

  // Auto: the metric's direction; what is not known is an error, what is missing a warning.
  const auto accuracy = std::make_shared<EarlyStopping<>>(EarlyStoppingOptions{.monitor = "accuracy", .patience = 50});
  CHECK_NOTHROW(train({accuracy}, 2));
  CHECK(contains(message<ConfigError>([] {
                   train({logs_of({{"strange", {1, 2}}}),
                          std::make_shared<EarlyStopping<>>(EarlyStoppingOptions{.monitor = "strange"})},
                         2);
                 }),
                 "mode \"max\" or \"min\""));
  CHECK(train({std::make_shared<EarlyStopping<>>()}, 3).history.epoch.size() == 3);  // no val_loss
  CHECK_THROWS_AS(EarlyStopping({.mode = "most"}), ConfigError);
  CHECK_THROWS_AS(EarlyStopping({.patience = -1}), ConfigError);
}

TEST_CASE("ReduceLROnPlateau: Keras's counts, and the rate in the logs") {
  const auto rates = [](ReduceLROnPlateauOptions options, std::vector<double> values, double rate = 1) {
    options.monitor = "watched";
    options.mode = "min";
    const auto count = static_cast<Index>(values.size());
    const auto result =
        train({logs_of({{"watched", std::move(values)}}), std::make_shared<ReduceLROnPlateau<>>(options)}, count, rate);
    std::vector<double> list = result.history["learning_rate"];
    list.push_back(result.model.optimizer().learning_rate());
    return list;
  };
  using List = std::vector<double>;
  CHECK(rates({.factor = 0.5, .patience = 2}, {5, 5, 5, 5, 5, 5}) == List{1, 1, 1, 0.5, 0.5, 0.25, 0.25});
  CHECK(rates({.factor = 0.5, .patience = 1, .cooldown = 2}, {5, 5, 5, 5, 5, 5}) ==
        List{1, 1, 0.5, 0.5, 0.25, 0.25, 0.125});
  CHECK(rates({.factor = 0.5, .patience = 1, .min_lr = 0.25}, {5, 5, 5, 5, 5}) == List{1, 1, 0.5, 0.25, 0.25, 0.25});
  CHECK(rates({.factor = 0.5, .patience = 1, .min_delta = 1}, {5, 4.5, 3, 3}) == List{1, 1, 0.5, 0.5, 0.25});
  CHECK_THROWS_AS(ReduceLROnPlateau({.factor = 1}), ConfigError);
}

TEST_CASE("LearningRateScheduler, TerminateOnNaN and LambdaCallback") {
  const auto scheduled = train(
      {std::make_shared<LearningRateScheduler<>>([](Index epoch, double rate) { return epoch ? rate / 2 : 1; })}, 3);
  CHECK(scheduled.history["learning_rate"] == std::vector<double>{1, 0.5, 0.25});

  CHECK(train({std::make_shared<TerminateOnNaN<>>()}, 5, 1e30).history.epoch.size() < 5);
  CHECK(train({std::make_shared<TerminateOnNaN<>>()}, 5).history.epoch.size() == 5);

  std::vector<std::string> calls;
  std::vector<double> losses;
  const auto note = [&calls](const std::string& what) { calls.push_back(what); };
  const auto result = train({std::make_shared<LambdaCallback<>>(LambdaCallbackOptions{
                                .on_epoch_begin = [&](Index epoch) { note("epoch " + std::to_string(epoch)); },
                                .on_epoch_end = [&](Index, Logs& logs) { logs.set("mine", 7); },
                                .on_train_begin = [&] { note("begin"); },
                                .on_train_end = [&] { note("end"); },
                                .on_train_batch_begin = [&](Index batch) { note("batch " + std::to_string(batch)); },
                                .on_train_batch_end =
                                    [&](Index, const Logs& logs) {
                                      REQUIRE(logs.find("loss"));
                                      REQUIRE(logs.find("accuracy"));
                                      losses.push_back(*logs.find("loss"));
                                    }})},
                            2, 0.01, 1);
  CHECK(calls == std::vector<std::string>{"begin", "epoch 1", "batch 0", "batch 1", "batch 2", "batch 3", "end"});
  CHECK(losses.back() == result.history["loss"].back());
  CHECK(result.history["mine"] == std::vector<double>{7});
  CHECK_NOTHROW(train({std::make_shared<LambdaCallback<>>(LambdaCallbackOptions{})}, 1));
}

TEST_CASE("CSVLogger: a line for every epoch") {
  const test::TempDir dir;
  const std::string path = dir / "logs/run.csv";
  const auto result = train({logs_of({{"b", {0.5, 0.1, 1e-10}}, {"a", {2}}}), std::make_shared<CSVLogger<>>(path)}, 3);
  const auto expected = [&](Index epoch) {
    std::string line = std::to_string(epoch);
    const auto i = static_cast<std::size_t>(epoch);
    line += (epoch == 0 ? ",2," : ",NA,") + CSVLogger<>::shortest(result.history["accuracy"][i]) + "," +
            std::vector<std::string>{"0.5", "0.1", "1e-10"}[i] + "," + CSVLogger<>::shortest(result.history["loss"][i]);
    return line + ",NA,NA,NA,NA\n";
  };
  const std::string header = "epoch,a,accuracy,b,loss,val_a,val_accuracy,val_b,val_loss\n";
  CHECK(content_of(path) == header + expected(0) + expected(1) + expected(2));
  for (const double value : {0.1, 1.0 / 3, 1e300, -2.5})
    CHECK(std::strtod(CSVLogger<>::shortest(value).c_str(), nullptr) == value);

  // Another run replaces the file, or writes behind what is there.
  train({std::make_shared<CSVLogger<>>(path, CSVLoggerOptions{.separator = ";"})}, 1);
  const std::string one = content_of(path);
  CHECK(one.rfind("epoch;accuracy;loss;val_accuracy;val_loss\n0;", 0) == 0);
  train({std::make_shared<CSVLogger<>>(path, CSVLoggerOptions{.separator = ";", .append = true})}, 1);
  const std::string two = content_of(path);
  CHECK(two.rfind(one, 0) == 0);
  CHECK(std::count(two.begin(), two.end(), '\n') == 3);
  CHECK_THROWS_AS(train({std::make_shared<CSVLogger<>>("/proc/nothing/here.csv")}, 1), FileError);
}

TEST_CASE("ModelCheckpoint: file names, the best only, weights only, batches") {
  const test::TempDir dir;
  const auto names = [&](const std::string& pattern, ModelCheckpointOptions options, Index epochs = 3) {
    options.monitor = "watched";
    if (options.mode == "auto") options.mode = "min";
    const auto save = std::make_shared<ModelCheckpoint<>>(dir / pattern, options);
    const auto result = train({logs_of({{"watched", {0.75, 0.5, 0.625}}}), save}, epochs);
    std::vector<std::string> files;
    for (const std::string& path : save->saved()) {
      CHECK(file_exists(path));
      files.push_back(path.substr(dir.path().size() + 1));
    }
    return files;
  };
  using Names = std::vector<std::string>;
  CHECK(names("m-{epoch:02d}-{watched:.4f}.h5", {}) == Names{"m-01-0.7500.h5", "m-02-0.5000.h5", "m-03-0.6250.h5"});
  CHECK(names("{watched}/best {epoch}.keras", {.save_best_only = true}) ==
        Names{"0.75/best 1.keras", "0.5/best 2.keras"});
  CHECK(names("t.keras", {.save_best_only = true, .initial_value_threshold = 0.6}) == Names{"t.keras"});
  CHECK(names("w{epoch}.weights.h5", {.save_weights_only = true}, 1) == Names{"w1.weights.h5"});
  CHECK(names("b{epoch}-{batch}-{loss:.0%}{{}}.h5", {.save_freq = 3}, 3).size() == 4);  // 12 batches
  CHECK(names("x.h5", {.save_best_only = true, .mode = "max"}) == Names{"x.h5"});
  const auto loaded = load_model(dir / "m-03-0.6250.h5");
  CHECK(loaded.layers().size() == 3);
  CHECK(loaded.compiled());

  CHECK(contains(message<ConfigError>([&] { names("{val_los}.h5", {}, 1); }), "Known") |
        contains(message<ConfigError>([&] { names("{val_los}.h5", {}, 1); }), "loss"));
  Logs logs;
  logs.set("epoch", 7);
  logs.set("loss", 0.125);
  const auto format = [&](const std::string& pattern) { return detail::format_pattern(pattern, logs); };
  CHECK(format("{epoch}|{epoch:3d}|{epoch:03d}|{epoch:.1f}|{epoch:4}") == "7|  7|007|7.0|   7");
  CHECK(format("{loss}|{loss:.2f}|{loss:08.3f}|{loss:.1e}|{loss:.0%}|{loss:g}") ==
        "0.125|0.12|0000.125|1.2e-01|12%|0.125");
  CHECK(format("{{epoch}}") == "{epoch}");
  for (const char* wrong : {"{epoch", "epoch}", "{loss:d}", "{loss:x}", "{loss:.}", "{loss:.2f2}", "{loss:9999f}", "{}",
                            "{loss!r}", "{loss:%s}", "{epoch:n}"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(format(wrong), ConfigError);
  }
  CHECK_THROWS_AS(ModelCheckpoint("model"), ConfigError);
  CHECK_THROWS_AS(ModelCheckpoint("model.weights.h5"), ConfigError);
  CHECK_THROWS_AS(ModelCheckpoint("model.keras", {.save_weights_only = true}), ConfigError);
  CHECK_THROWS_AS(ModelCheckpoint("model.keras", {.save_freq = 0}), ConfigError);
  CHECK_THROWS_AS(ModelCheckpoint("model.keras", {.save_freq = "day"}), ConfigError);
}

TEST_CASE("CRC-32C: the vectors of RFC 3720") {
  const std::string zeros(32, '\0'), ones(32, '\xff');
  std::string up, down;
  for (int i = 0; i < 32; ++i) up += static_cast<char>(i), down += static_cast<char>(31 - i);
  CHECK(crc32c(zeros.data(), 32) == 0x8a9136aau);
  CHECK(crc32c(ones.data(), 32) == 0x62a8ab43u);
  CHECK(crc32c(up.data(), 32) == 0x46dd794eu);
  CHECK(crc32c(down.data(), 32) == 0x113fdb5cu);
  CHECK(crc32c("123456789", 9) == 0xe3069283u);
  CHECK(crc32c("56789", 5, crc32c("1234", 4)) == 0xe3069283u);
  CHECK(crc32c("", 0) == 0);
}

namespace {

/// One field of a protobuf message: its number and what it holds.
struct Field {
  std::uint64_t number;
  std::uint64_t bits;
  std::string bytes;
};

std::uint64_t little_endian(const std::string& from, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{static_cast<unsigned char>(from.at(at + i))} << (8 * i);
  return value;
}
std::uint64_t varint(const std::string& from, std::size_t& at) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(from.at(at++));
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
}
std::vector<Field> fields(const std::string& message) {
  std::vector<Field> result;
  for (std::size_t at = 0; at < message.size();) {
    const std::uint64_t key = varint(message, at);
    Field field{key >> 3, 0, {}};
    switch (key & 7) {
      case 0: field.bits = varint(message, at); break;
      case 1: field.bits = little_endian(message, at, 8), at += 8; break;
      case 5: field.bits = little_endian(message, at, 4), at += 4; break;
      case 2: {
        const std::size_t size = varint(message, at);
        field.bytes = message.substr(at, size);
        REQUIRE(field.bytes.size() == size);
        at += size;
        break;
      }
      default: FAIL("a kind of field that there is not");
    }
    result.push_back(field);
  }
  return result;
}
const Field& field(const std::vector<Field>& list, std::uint64_t number) {
  for (const Field& one : list) {
    if (one.number == number) return one;
  }
  FAIL("field " << number << " is missing");
  return list.front();
}

/// Bit by bit, without the table of the writer.
std::uint32_t slow_masked_crc(const std::string& data) {
  std::uint32_t sum = 0xffffffffu;
  for (const char c : data) {
    sum ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) sum = (sum & 1) ? (sum >> 1) ^ 0x82f63b78u : sum >> 1;
  }
  sum = ~sum;
  return ((sum >> 15) | (sum << 17)) + 0xa282ead8u;
}

struct Scalar {
  std::string tag;
  Index step;
  float value;
};

/// The numbers of the one event file in a folder, read as TensorBoard does.
std::vector<Scalar> events(const std::string& folder) {
  std::string path;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    REQUIRE(path.empty());
    path = entry.path().string();
  }
  REQUIRE(contains(path, "/events.out.tfevents."));
  const std::string content = content_of(path);
  std::vector<Scalar> result;
  bool first = true;
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t size = little_endian(content, at, 8);
    CHECK(little_endian(content, at + 8, 4) == slow_masked_crc(content.substr(at, 8)));
    const std::string data = content.substr(at + 12, size);
    REQUIRE(data.size() == size);
    CHECK(little_endian(content, at + 12 + size, 4) == slow_masked_crc(data));
    at += 16 + size;
    const auto event = fields(data);
    CHECK(std::bit_cast<double>(field(event, 1).bits) > 1.6e9);  // seconds since 1970
    if (first) {
      CHECK(field(event, 3).bytes == "brain.Event:2");
    } else {
      const auto value = fields(field(fields(field(event, 5).bytes), 1).bytes);
      result.push_back({field(value, 1).bytes, static_cast<Index>(field(event, 2).bits),
                        std::bit_cast<float>(static_cast<std::uint32_t>(field(value, 2).bits))});
    }
    first = false;
  }
  return result;
}

}  // namespace

TEST_CASE("TensorBoard: event files, read back by another reader") {
  const test::TempDir dir;
  const auto result = train({logs_of({{"val_loss", {0.25, 0.125}}}),
                             std::make_shared<TensorBoard<>>(dir / "logs/a", TensorBoardOptions{.update_freq = 3})},
                            2);
  const auto validation = events(dir / "logs/a/validation");
  REQUIRE(validation.size() == 2);
  CHECK(validation[0].tag == "epoch_loss");
  CHECK(validation[1].step == 1);
  CHECK(validation[1].value == 0.125f);
  const auto train_events = events(dir / "logs/a/train");
  std::map<std::string, std::vector<std::pair<Index, float>>> found;
  for (const auto& event : train_events) found[event.tag].push_back({event.step, event.value});
  REQUIRE(found["epoch_loss"].size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(found["epoch_loss"][i] == std::pair(static_cast<Index>(i), static_cast<float>(result.history["loss"][i])));
    CHECK(found["epoch_accuracy"][i].second == static_cast<float>(result.history["accuracy"][i]));
    CHECK(found["epoch_learning_rate"][i].second == 0.01f);
  }
  // Batches 0, 3 and 6 of 8.
  REQUIRE(found["batch_loss"].size() == 3);
  CHECK(found["batch_loss"][2].first == 6);
  CHECK(found["batch_accuracy"].size() == 3);
  CHECK_THROWS_AS(train({std::make_shared<TensorBoard<>>("/proc/nothing")}, 1), FileError);
}
