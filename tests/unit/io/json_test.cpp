#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "graft/io/hdf5.hpp"
#include "graft/io/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/shared_dir.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;

namespace {

// nlohmann's reading of the same text, as the independent reference.
Config reference(const nlohmann::ordered_json& value) {
  if (value.is_null()) return Config();
  if (value.is_boolean()) return Config(value.get<bool>());
  if (value.is_number_float()) return Config(value.get<double>());
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > 9223372036854775807u)
    return Config(value.get<double>());
  if (value.is_number()) return Config(value.get<std::int64_t>());
  if (value.is_string()) return Config(value.get<std::string>());
  if (value.is_array()) {
    Config result = Config::array();
    for (const auto& item : value) result.push_back(reference(item));
    return result;
  }
  Config result = Config::object();
  for (const auto& [key, item] : value.items()) result[key] = reference(item);
  return result;
}

std::string error_of(const std::string& text) {
  try {
    (void)json::parse(text, "x.h5, model_config");
  } catch (const FileError& error) {
    return error.what();
  }
  return "no FileError";
}

}  // namespace

TEST_CASE("json: reads what nlohmann reads") {
  for (const std::string text :
       {R"({"class_name": "Dense", "config": {"units": 3, "a": [true, false, null]}})", R"([])", R"({})", R"("")",
        R"( [ 1 , 2.5 , -3e-7 , 0 , -0.0 , 1E+5 , 0.1e1 ] )", R"(-9223372036854775808)", R"(9223372036854775807)",
        R"(18446744073709551615)", R"(123456789012345678901234567890)",
        R"("\" \\ \/ \b \f \n \r \t \u0041 \u00e9 \ud83d\ude00")", "\"grüße 層\"",
        R"({"a": {"b": {"c": [[[1]]]}}, "": 0})", "\t\r\n 7 \n"}) {
    CAPTURE(text);
    CHECK(json::parse(text) == reference(nlohmann::ordered_json::parse(text)));
  }
}

TEST_CASE("json: refuses what nlohmann refuses") {
  for (const std::string text : {"",
                                 " ",
                                 "{",
                                 "[",
                                 "[1",
                                 "[1,",
                                 "[1,]",
                                 "[,1]",
                                 "[1 2]",
                                 "{\"a\"}",
                                 "{\"a\":}",
                                 "{\"a\":1,}",
                                 "{a:1}",
                                 "{1:2}",
                                 "nul",
                                 "truee",
                                 "tru",
                                 "01",
                                 "-",
                                 "+1",
                                 "1.",
                                 ".5",
                                 "1e",
                                 "1e+",
                                 "0x10",
                                 "\"abc",
                                 "\"\\x\"",
                                 "\"\\u12\"",
                                 "\"\\u12g4\"",
                                 "'a'",
                                 "[1] 2",
                                 "]",
                                 "\"\x01\"",
                                 "\"\xff\"",
                                 "\"\xc0\xaf\"",
                                 "\"\xed\xa0\x80\"",
                                 "\"\xf0\x9f\x98\"",
                                 "Nan",
                                 "nan",
                                 "-NaN",
                                 "Infinit",
                                 "--1",
                                 "1-1",
                                 "\xef\xbb\xbf"}) {
    CAPTURE(text);
    if (text != "\xef\xbb\xbf") CHECK_FALSE(nlohmann::json::accept(text));
    CHECK_THAT(error_of(text), ContainsSubstring("x.h5, model_config, byte"));
  }
}

TEST_CASE("json: real configs of the golden models are read alike") {
  GRAFT_NEEDS(graft::test::shared_path("golden/models/seq_cnn.h5"));
  for (const std::string name :
       {"seq_cnn", "vgg_recipe", "multi_io", "unicode_names", "transformer_block", "k231_tf_rnn", "long_names"}) {
    CAPTURE(name);
    const std::string text =
        *hdf5::File::open(graft::test::shared_path("golden/models/" + name + ".h5")).root().string("model_config");
    REQUIRE(text.size() > 100);
    const Config config = json::parse(text);
    CHECK((config == reference(nlohmann::ordered_json::parse(text))));
    // Python wrote it: writing it again gives the same text.
    CHECK((json::dump(config) == text));
  }
}

TEST_CASE("json: Python's NaN and Infinity") {
  const Config config = json::parse(R"({"a": NaN, "b": [Infinity, -Infinity, null], "c": "NaN, Infinity"})");
  CHECK(std::isnan(config.at("a").as_double()));
  CHECK(config.at("b").items()[0].as_double() == std::numeric_limits<double>::infinity());
  CHECK(config.at("b").items()[1].as_double() == -std::numeric_limits<double>::infinity());
  CHECK(config.at("b").items()[2].is_null());
  CHECK(config.at("c").as_string() == "NaN, Infinity");
  CHECK(json::dump(config) == R"({"a": NaN, "b": [Infinity, -Infinity, null], "c": "NaN, Infinity"})");
  CHECK(json::parse("1e-400").as_double() == 0);
  // Python writes Infinity; a number that no double holds is damage.
  CHECK_THROWS_AS(json::parse("1e400"), FileError);
  CHECK_THROWS_AS(json::parse("NaNs"), FileError);
}

TEST_CASE("json: depth, size and number of values are limited") {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
  };
  CHECK(json::parse(nested(513)).is_array());
  CHECK_THAT(error_of(nested(514)), ContainsSubstring("nested at most 512 deep"));
  CHECK_THAT(error_of(std::string(1000000, '[')), ContainsSubstring("nested at most 512 deep"));
  std::string objects;
  for (int i = 0; i < 10000; ++i) objects += "{\"a\":";
  CHECK_THAT(error_of(objects), ContainsSubstring("nested at most 512 deep"));
  CHECK_THAT(error_of(std::string(json::kMaxBytes + 1, ' ')), ContainsSubstring("at most 64 MiB"));
  std::string many = "[0";
  for (std::size_t i = 0; i < json::kMaxValues; ++i) many += ",0";
  CHECK_THAT(error_of(many + "]"), ContainsSubstring("at most 4,194,304 values"));
}

TEST_CASE("json: of a repeated key the last value counts, and many keys are no burden") {
  const Config config = json::parse(R"({"a": 1, "b": 2, "a": 3})");
  CHECK(json::dump(config) == R"({"a": 3, "b": 2})");
  std::string text = "{";
  for (int i = 0; i < 200000; ++i) text += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":0";
  CHECK(json::parse(text + "}").members().size() == 200000);
}

TEST_CASE("json: numbers are written as Python's repr writes them") {
  // Right-hand sides: Python 3's repr.
  const std::pair<double, const char*> cases[] = {{0.0, "0.0"},
                                                  {-0.0, "-0.0"},
                                                  {1.0, "1.0"},
                                                  {0.1, "0.1"},
                                                  {1e-7, "1e-07"},
                                                  {0.0001, "0.0001"},
                                                  {0.00001, "1e-05"},
                                                  {123456.789, "123456.789"},
                                                  {1e15, "1000000000000000.0"},
                                                  {1e16, "1e+16"},
                                                  {1.5e300, "1.5e+300"},
                                                  {5e-324, "5e-324"},
                                                  {0.0010000000474974513, "0.0010000000474974513"},
                                                  {9.999999974752427e-07, "9.999999974752427e-07"},
                                                  {-2.5e-10, "-2.5e-10"},
                                                  {1.0 / 3, "0.3333333333333333"},
                                                  {9007199254740993.0, "9007199254740992.0"},
                                                  {100.0, "100.0"},
                                                  {12.5, "12.5"}};
  for (const auto& [value, text] : cases) CHECK(json::dump(Config(value)) == text);
  // Whatever the digits, they read back the same bits.
  std::uint64_t state = 88172645463325252u;
  for (int i = 0; i < 20000; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    double value;
    std::memcpy(&value, &state, sizeof value);
    if (!std::isfinite(value)) continue;
    const std::string text = json::dump(Config(value));
    REQUIRE(json::parse(text).as_double() == value);
    REQUIRE(text.find_first_of(".e") != std::string::npos);
  }
  CHECK(json::dump(Config(Index{-9223372036854775807 - 1})) == "-9223372036854775808");
}

TEST_CASE("json: strings are written in ASCII") {
  CHECK(json::dump(Config("größe \"層\" \\ 😀 \n\t\x01\x7f")) ==
        R"("gr\u00f6\u00dfe \"\u5c64\" \\ \ud83d\ude00 \n\t\u0001)"
        "\x7f\"");
  CHECK(json::parse(json::dump(Config("größe 😀"))).as_string() == "größe 😀");
  // A lone half of a pair has no UTF-8.
  CHECK_THROWS_AS(json::parse(R"("\ud83d!")"), FileError);
  CHECK_THROWS_AS(json::dump(Config("\xff")), ConfigError);
}
