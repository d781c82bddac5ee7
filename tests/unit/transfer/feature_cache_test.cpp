#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

#include "graft/core/content_hash.hpp"
#include "graft/io/hdf5.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/counting_layer.hpp"
#include "tests/support/nets.hpp"
#include "tests/support/temp_dir.hpp"

using namespace graft;
using test::bytes_of;
using test::contains;
using test::Counting;
using test::kSilent;
using test::message;
using test::same;
using test::TempDir;

namespace {

constexpr FeatureCacheOptions kQuiet = {.batch_size = 16, .verbose = kSilent};

// A base whose work is counted, and whose features are large enough for several chunks of a file.
struct Base {
  Counting<float> counter;
  Model<float> model;

  explicit Base(std::uint64_t seed = 3, Index width = 4096) : counter({.name = "count", .input_shape = Shape{6}}) {
    set_random_seed(seed);
    model = Sequential({counter, Dense(width, {.activation = "tanh", .name = "wide"})});
  }
  Index samples() const { return counter.totals().forward_rows; }
};

// Overwrites bytes in the middle of a file.
void damage(const std::string& path, double where) {
  const auto size = static_cast<double>(std::filesystem::file_size(path));
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(size * where));
  file << "damage";
}

}  // namespace

TEST_CASE("Xxh64 gives the published values, in one piece or in many") {
  const auto hash = [](std::string_view text, std::uint64_t seed = 0) {
    Xxh64 h(seed);
    h.add(text.data(), text.size());
    return h.value();
  };
  CHECK(hash("") == 0xef46db3751d8e999u);
  CHECK(hash("a") == 0xd24ec4f1a98c6e5bu);
  CHECK(hash("abc") == 0x44bc2cf5ad770999u);
  CHECK(hash("Nobody inspects the spammish repetition") == 0xfbcea83c8a378bf1u);
  CHECK(hash("xxhash", 20141025) == 0xb559b98d844e0635u);
  std::string text(1000, ' ');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(7 * i);
  Xxh64 pieces;
  for (std::size_t i = 0; i < text.size(); i += i % 37 + 1) {
    pieces.add(text.data() + i, std::min(text.size() - i, i % 37 + 1));
  }
  CHECK(pieces.value() == hash(text));
}

TEST_CASE("R-36 extract_features runs the base once, keeps its outputs on disk, and later runs use them") {
  const TempDir dir;
  const std::string path = dir / "features.h5";
  const auto task = test::octants(300, 6, 1);
  const Base base;
  const auto expected = base.model.predict(task.x, {.batch_size = 16});
  base.counter.reset();
  const auto first = extract_features(base.model, task.x, path, kQuiet);
  CHECK(base.samples() == 300);
  CHECK(first.report().computed == 300);
  CHECK(first.samples() == 300);
  CHECK(same(first.array(), expected));
  CHECK(first.report().seconds > 0);
  CHECK_THROWS_AS(first.array(1), ConfigError);

  base.counter.reset();
  const auto second = extract_features(base.model, task.x, path, kQuiet);
  CHECK(base.samples() == 0);
  CHECK(second.report().computed == 0);
  CHECK(second.report().seconds == first.report().seconds);
  CHECK(same(second.array(), expected));
  CHECK_FALSE(std::filesystem::exists(path + ".partial"));

  // The same layers and weights under other names, in a base that was frozen, in another process: the same key.
  const Sequential again(
      {Counting<float>({.name = "c2", .input_shape = Shape{6}}), Dense(4096, {.activation = "tanh"})});
  again.set_weights(base.model.get_weights());
  freeze<float>(again);
  CHECK(extract_features<float>(again, task.x, path, kQuiet).report().computed == 0);

  // Everybody's HDF5, readable by every tool.
  const auto array = hdf5::File::open(path).root().dataset("features/0");
  Tensor<float> read(array.shape());
  array.read(read.data());
  CHECK(same(read, expected));

  // A head trains on them, straight from the file.
  const Sequential head({Dense(1, {.activation = "sigmoid", .input_shape = Shape{4096}})});
  head.compile({.optimizer = SGD({.learning_rate = 0.01}), .loss = "binary_crossentropy"});
  const auto history = head.fit(second.arrays(), task.y, {.epochs = 4, .verbose = kSilent});
  CHECK(history["loss"].back() < history["loss"].front());
}

TEST_CASE("a cache of other weights, layers, data or tag is never used: computed anew and said so, or an error") {
  const TempDir dir;
  const std::string path = dir / "features.h5";
  const auto task = test::octants(64, 6, 1);
  const Base base(3, 32);
  (void)extract_features(base.model, task.x, path, kQuiet);
  FeatureCacheOptions strict = kQuiet;
  strict.on_stale = StaleCache::error;
  const auto check = [&](const Model<float>& model, const Tensor<float>& x, FeatureCacheOptions options,
                         const char* why) {
    const std::string before = bytes_of(path);
    options.on_stale = StaleCache::error;
    const std::string text = message<StateError>([&] { (void)extract_features(model, x, path, options); });
    CHECK(contains(text, why));
    CHECK(contains(text, "features.h5"));
    CHECK(bytes_of(path) == before);
    options.on_stale = StaleCache::recompute;
    const auto cache = extract_features(model, x, path, options);
    CHECK(contains(cache.report().text, why));
    CHECK(cache.report().computed == x.dim(0));
    CHECK(same(cache.array(), model.predict(x, {.batch_size = 16})));
    CHECK(extract_features(model, x, path, options).report().computed == 0);
  };
  SECTION("weights") {
    base.model.layers().back().weights()[1]->mutable_value()[5] += 1e-6f;
    check(base.model, task.x, kQuiet, "other weights");
  }
  SECTION("configuration") {
    const Sequential other({base.counter, Dense(32, {.activation = "relu", .name = "wide"})});
    other.set_weights(base.model.get_weights());
    check(other, task.x, kQuiet, "other layers");
  }
  SECTION("one bit of the data") {
    Tensor<float> x = task.x;
    x[200] = std::nextafter(x[200], 2.0f);
    check(base.model, x, kQuiet, "other data");
  }
  SECTION("fewer samples") { check(base.model, task.x.rows(0, 63), kQuiet, "other data"); }
  SECTION("the same rows in another order") {
    Tensor<float> x = task.x;
    std::swap_ranges(x.data(), x.data() + 6, x.data() + 6);
    check(base.model, x, kQuiet, "other data");
  }
  SECTION("the user's tag") {
    FeatureCacheOptions tagged = kQuiet;
    tagged.tag = "v2";
    check(base.model, task.x, tagged, "other layers");
  }
  SECTION("the cut") {
    const Sequential longer({base.counter, base.model.layers().back(), ReLU()});
    check(longer, task.x, kQuiet, "other layers");
  }
}

TEST_CASE("a damaged cache is never used") {
  const TempDir dir;
  const std::string path = dir / "features.h5";
  const auto task = test::octants(200, 6, 1);
  const Base base;
  const auto expected = base.model.predict(task.x, {.batch_size = 16});
  (void)extract_features(base.model, task.x, path, kQuiet);
  FeatureCacheOptions strict = kQuiet;
  strict.on_stale = StaleCache::error;
  const auto spoil = [&](auto&& how) {
    how();
    const std::string text = message<FileError>([&] { (void)extract_features(base.model, task.x, path, strict); });
    CHECK(contains(text, "damaged"));
    const auto cache = extract_features(base.model, task.x, path, kQuiet);
    CHECK(contains(cache.report().text, "damaged"));
    CHECK(cache.report().computed == 200);
    CHECK(same(cache.array(), expected));
  };
  for (const double where : {0.3, 0.5, 0.999}) spoil([&] { damage(path, where); });
  spoil([&] { std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2); });
  // Any byte of the file's structure: never a crash, and never other numbers.
  const std::string whole = bytes_of(path);
  for (std::size_t at = 0; at < 4000; at += 61) {
    std::string spoilt = whole;
    spoilt[at] = static_cast<char>(spoilt[at] ^ 0x55);
    (void)dir.write("features.h5", spoilt);
    try {
      CHECK(same(extract_features(base.model, task.x, path, kQuiet).array(), expected));
    } catch (const FileError& error) {
      CHECK(contains(error.what(), "something else"));  // no more to be known as features
    }
  }
}

TEST_CASE("a file that holds something else than features is left as it is") {
  const TempDir dir;
  const auto task = test::octants(20, 6, 1);
  const Base base(3, 8);
  base.model.save_weights(dir / "weights.h5");
  (void)dir.write("notes.h5", "not an HDF5 file at all");
  for (const char* name : {"weights.h5", "notes.h5"}) {
    const std::string before = bytes_of(dir / name);
    const std::string text =
        message<FileError>([&] { (void)extract_features(base.model, task.x, dir / name, kQuiet); });
    CHECK(contains(text, name));
    CHECK(contains(text, "a file of features"));
    CHECK(bytes_of(dir / name) == before);
  }
  CHECK(contains(message<FileError>([&] { (void)extract_features(base.model, task.x, dir / "no/f.h5", kQuiet); }),
                 "folder"));
  CHECK_THROWS_AS(extract_features(base.model, task.x, "", kQuiet), ConfigError);
  CHECK_THROWS_AS(extract_features(base.model, task.x, dir / "f.h5", {.batch_size = 0, .verbose = kSilent}),
                  ConfigError);
  CHECK_THROWS_AS(extract_features(base.model, Tensor<float>({4, 5}), dir / "f.h5", kQuiet), ShapeError);
}

TEST_CASE("extraction killed at any moment goes on behind its last whole chunk") {
  const TempDir dir;
  const std::string path = dir / "features.h5";
  const auto task = test::octants(640, 6, 1);
  const Base base;  // 64 samples a chunk
  const auto expected = base.model.predict(task.x, {.batch_size = 16});
  // A child has no threads but its own.
  const int threads = num_threads();
  set_num_threads(1);
  for (const Index limit : {1, 70, 130, 190}) {
    // The child dies by SIGKILL in the middle of a batch.
    const pid_t child = ::fork();
    if (child == 0) {
      base.counter.reset();
      base.counter.kill_after(limit);
      (void)extract_features(base.model, task.x, path, kQuiet);
      ::_exit(1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(std::filesystem::exists(path + ".partial"));
  }
  set_num_threads(threads);
  base.counter.reset();
  const auto cache = extract_features(base.model, task.x, path, kQuiet);
  const Index resumed = 640 - cache.report().computed;
  CHECK(resumed == 64 + 128 + 128);
  CHECK(base.samples() == cache.report().computed);
  CHECK(contains(cache.report().text, "interrupted"));
  CHECK(same(cache.array(), expected));

  // A chunk that was not written as its checksum says is computed again; so is everything of other data.
  std::filesystem::rename(path, path + ".partial");
  damage(path + ".partial", 0.55);
  const auto mended = extract_features(base.model, task.x, path, kQuiet);
  CHECK(mended.report().computed > 0);
  CHECK(mended.report().computed < 640);
  CHECK(same(mended.array(), expected));
  std::filesystem::rename(path, path + ".partial");
  const auto other = test::octants(640, 6, 1, 8);
  CHECK(extract_features(base.model, other.x, path, kQuiet).report().computed == 640);
  // Rubbish under the name of the unfinished file.
  (void)dir.write("g.h5.partial", "rubbish");
  CHECK(extract_features(base.model, task.x, dir / "g.h5", kQuiet).report().computed == 640);
}

TEST_CASE("a disk that is full during extraction: a clear error before anything is computed, nothing half-used") {
  const TempDir dir;
  const std::string path = dir / "features.h5";
  const auto task = test::octants(200, 6, 1);
  const Base base;
  struct rlimit limit {};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  std::string text;
  for (const rlim_t size : {rlim_t{0}, rlim_t{700}, rlim_t{5000}, rlim_t{1000000}, rlim_t{3000000}}) {
    struct rlimit small = limit;
    small.rlim_cur = size;
    base.counter.reset();
    ::setrlimit(RLIMIT_FSIZE, &small);
    text = message<FileError>([&] { (void)extract_features(base.model, task.x, path, kQuiet); });
    ::setrlimit(RLIMIT_FSIZE, &limit);
    CHECK(contains(text, "there is no room for 3,276,800 bytes"));
    CHECK(base.samples() == 0);
    CHECK(std::filesystem::is_empty(dir.path()));
  }
  std::signal(SIGXFSZ, old_handler);
  CHECK(extract_features(base.model, task.x, path, kQuiet).report().computed == 200);
}

TEST_CASE("two processes cannot write one cache at a time") {
  const TempDir dir;
  const std::string path = dir / "features.h5";
  const auto task = test::octants(64, 6, 1);
  const Base base(3, 8);
  bool tried = false;
  base.counter.on_forward([&] {
    if (tried) return;
    tried = true;
    const Base other(4, 8);
    CHECK(contains(message<FileError>([&] { (void)extract_features(other.model, task.x, path, kQuiet); }),
                   "another process"));
  });
  CHECK(extract_features(base.model, task.x, path, kQuiet).report().computed == 64);
  CHECK(tried);
}

TEST_CASE("R-36 extract_features refuses a random layer before the cut and names it; predict's mode on request") {
  const TempDir dir;
  const auto task = test::octants(32, 6, 1);
  const Sequential base({Dense(4, {.input_shape = Shape{6}}), Dropout(0.5, {.name = "drop"}), Dense(3)});
  const std::string text =
      message<ConfigError>([&] { (void)extract_features<float>(base, task.x, dir / "f.h5", kQuiet); });
  CHECK(contains(text, "Dropout \"drop\""));
  CHECK(contains(text, "random"));
  CHECK_FALSE(std::filesystem::exists(dir / "f.h5"));
  FeatureCacheOptions options = kQuiet;
  options.allow_random = true;
  CHECK(same(extract_features<float>(base, task.x, dir / "f.h5", options).array(),
             base.predict(task.x, {.batch_size = 16})));
}

TEST_CASE("extraction takes memory for a chunk, whatever the number of samples; models with two inputs and outputs") {
  const TempDir dir;
  const auto a = Input({6}), b = Input({2});
  const auto joined = Concatenate()({Dense(3)(a), b});
  const Model model({a, b}, {joined, Dense(2)(joined)});
  const auto xa = test::octants(50, 6, 1).x, xb = test::octants(50, 2, 1).x;
  const auto cache = extract_features(model, {xa, xb}, dir / "f.h5", kQuiet);
  const auto expected = model.predict_all({xa, xb}, {.batch_size = 16});
  REQUIRE(cache.outputs() == 2);
  CHECK(same(cache.array(0), expected[0]));
  CHECK(same(cache.array(1), expected[1]));
  CHECK(extract_features(model, {xa, xb}, dir / "f.h5", kQuiet).report().computed == 0);
  CHECK(extract_features(model, {xa.rows(0, 49), xb.rows(0, 49)}, dir / "f.h5", kQuiet).report().computed == 49);
}

TEST_CASE("R-37 fit keeps features in a file: bit-equal, one pass, none in later runs, and says what it saved") {
  const TempDir dir;
  const auto task = test::octants(90, 6, 1, 9), unseen = test::octants(30, 6, 1, 10);
  const Counting<float> counter({.name = "count"});
  const auto run = [&](const std::string& file, double split = 0, Index epochs = 4) {
    set_random_seed(6);
    const Sequential model({Dense(12, {.activation = "elu", .input_shape = Shape{6}}), BatchNormalization(), counter,
                            Dense(8), Dense(1, {.activation = "sigmoid"})});
    freeze(model.layers().slice(0, -1));
    model.compile({.optimizer = "adam", .loss = "binary_crossentropy", .metrics = {"accuracy"}});
    counter.reset();
    FitOptions<float> options{.batch_size = 16, .epochs = epochs, .verbose = kSilent, .cache_file = file};
    if (split > 0) options.validation_split = split;
    else options.validation_data = {{unseen.x, unseen.y}};
    auto history = model.fit(task.x, task.y, options);
    return std::pair(model.get_weights(), history);
  };
  (void)run("");  // builds the counter, which draws a key
  const auto plain = run("");
  CHECK(counter.totals().forward_rows == 4 * 120);
  const auto stored = run(dir / "f.h5");
  CHECK(counter.totals().forward_rows == 120);
  CHECK(same(plain.first, stored.first));
  CHECK(plain.second["val_loss"] == stored.second["val_loss"]);
  CHECK(stored.second.cached_layers == 4);
  CHECK(stored.second.cached_bytes == 120 * 8 * 4);
  CHECK(stored.second.cached_seconds > 0);
  CHECK(contains(stored.second.cache_text, "computed 120 samples"));
  const auto again = run(dir / "f.h5");
  CHECK(counter.totals().forward_rows == 0);
  CHECK(same(plain.first, again.first));
  CHECK(contains(again.second.cache_text, "all 120 samples were in"));
  CHECK(again.second.cached_seconds == stored.second.cached_seconds);

  // extract_features and fit agree about the key; validation_split cuts the same rows.
  (void)run(dir / "g.h5", 0.2);
  CHECK(counter.totals().forward_rows == 90);
  const auto split = run(dir / "g.h5", 0.3);
  CHECK(counter.totals().forward_rows == 0);
  CHECK(split.second.cached_bytes == 90 * 8 * 4);
}

TEST_CASE("beyond cache_budget features go to a temporary file, which is gone afterwards") {
  const TempDir dir;
  const auto task = test::octants(64, 6, 1, 9);
  const auto run = [&](Index budget) {
    set_random_seed(6);
    const auto model = test::classifier(6, 2);
    freeze(model.layers().slice(0, -1));
    model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
    auto history = model.fit(task.x, task.y,
                             {.epochs = 3, .verbose = kSilent, .cache_frozen_prefix = true, .cache_budget = budget});
    return std::pair(model.get_weights(), history);
  };
  const char* before = std::getenv("TMPDIR");
  const std::string old = before ? before : "";
  ::setenv("TMPDIR", dir.path().c_str(), 1);
  const auto memory = run(1 << 20), disk = run(100);
  CHECK(std::filesystem::is_empty(dir.path()));
  ::setenv("TMPDIR", (dir / "missing").c_str(), 1);
  const auto none = run(100);
  old.empty() ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", old.c_str(), 1);
  CHECK(memory.second.cache_text == "in memory");
  CHECK(contains(disk.second.cache_text, "temporary"));
  CHECK(disk.second.cached_layers == 2);
  CHECK(disk.second.uncached_reason.empty());
  CHECK(none.second.cached_layers == 0);
  CHECK(contains(none.second.uncached_reason, "budget"));
  CHECK(same(memory.first, disk.first));
  CHECK(same(memory.first, none.first));
}
