#include "graft/core/pattern.hpp"

#include "support/catch.hpp"

using graft::Pattern;

TEST_CASE("a pattern describes the whole of a text, as Python's re.fullmatch says") {
  struct Case {
    const char *pattern, *yes, *no;
  };
  const Case cases[] = {
      {"encoder/.*", "encoder/dense/kernel", "decoder/encoder/dense"},
      {"encoder", "encoder", "encoder/dense"},
      {"a|bc|d", "bc", "abc"},
      {"(a|b)*c", "ababc", "abab"},
      {"(a|b)+", "ba", ""},
      {"colou?r", "color", "colouur"},
      {"block[45]_.+", "block5_conv", "block3_conv"},
      {"[^/]+/kernel", "dense/kernel", "a/dense/kernel"},
      {"[a-c-]+", "a-c", "d"},
      {"[]x]+", "]x]", "["},
      {"conv_\\d+", "conv_12", "conv_x"},
      {"\\D\\W\\S", "x/y", "1/y"},
      {"\\w+\\.h5", "vgg_16.h5", "vgg_16xh5"},
      {"\\s?x", " x", "  x"},
      {"[\\d_]+", "1_2", "1-2"},
      {"^a$", "a", "ab"},
      {"(?:ab)+?", "abab", "aba"},
      {"((a?b)*c?)+d", "abbcbd", "abbca"},
      {"(a+)*(|b)", "aab", "aabb"},
      {"", "", "a"},
      {"a(b|)", "a", "b"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.pattern, c.yes, c.no);
    const Pattern pattern(c.pattern);
    CHECK(pattern.full_match(c.yes));
    CHECK_FALSE(pattern.full_match(c.no));
    CHECK(pattern.text() == c.pattern);
  }
}

TEST_CASE("a pattern is found anywhere in a text, as re.search says") {
  CHECK(Pattern("output").search("model/output_dense/kernel"));
  CHECK_FALSE(Pattern("output$").search("model/output_dense/kernel"));
  CHECK(Pattern("^model|none").search("model/output_dense/kernel"));
  CHECK_FALSE(Pattern("^output").search("model/output_dense/kernel"));
  CHECK(Pattern("(dense|conv)_?\\d*/bias$").search("x/conv_3/bias"));
  CHECK(Pattern("").search(""));
  CHECK(Pattern("x*").search("y"));
}

TEST_CASE("what a pattern does not know is an error that says so") {
  for (const char* bad : {"a{2}", "{", "(", ")",  "a)",  "(a",  "[a",    "[",        "*a",    "a**",
                          "a*+",  "+", "?", "\\", "\\1", "\\b", "(?=a)", "(?P<n>a)", "[z-a]", "|*"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(Pattern(bad), graft::ConfigError);
  }
  CHECK_THROWS_AS(Pattern(std::string(1001, 'a')), graft::ConfigError);
  CHECK_THROWS_AS(Pattern(std::string(200, '(') + std::string(200, ')')), graft::ConfigError);
  CHECK_THROWS_WITH(Pattern("a{2}"), Catch::Matchers::ContainsSubstring("a{2}"));
}

TEST_CASE("patterns that take other matchers for ever take no time") {
  std::string nested = "a*";
  for (int i = 0; i < 40; ++i) nested = "(" + nested + ")*";
  CHECK_FALSE(Pattern(nested + "b").full_match(std::string(2000, 'a')));
  CHECK(Pattern("(a|a)*(a|a)*(a|a)*").full_match(std::string(2000, 'a')));
}
