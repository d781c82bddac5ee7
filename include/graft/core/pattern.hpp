#pragma once

#include <bitset>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graft/core/error.hpp"
#include "graft/core/macros.hpp"

namespace graft {

/// A regular expression over the names of layers and weights: what people write there, `encoder/.*`, `block[45]_.+`,
/// `^(conv|dense)_\d+/kernel$`. Knows characters, `.`, `[…]`, `\d \w \s` and their opposites, `* + ?`, `|`, groups and
/// the anchors `^ $`; throws ConfigError for what else Python's `re` knows (counts, references, look-ahead). All states
/// are followed at once, so that no pattern takes longer than its length times that of the text.
class Pattern {
 public:
  GRAFT_COLD explicit Pattern(std::string_view text) : text_(text) {
    if (text_.size() > kLongest) bad("at most " + std::to_string(kLongest) + " characters");
    alternatives(0);
    if (at_ < text_.size()) bad("a \"(\" for every \")\"");
    program_.push_back({Kind::done, 0, 0, {}});
  }

  const std::string& text() const { return text_; }
  /// Python's re.fullmatch: does the pattern describe the whole of the text?
  GRAFT_COLD bool full_match(std::string_view text) const { return run(text, true); }
  /// Python's re.search: does it describe any part of the text?
  GRAFT_COLD bool search(std::string_view text) const { return run(text, false); }

 private:
  static constexpr std::size_t kLongest = 1000;
  static constexpr int kDeepest = 50;

  using Set = std::bitset<256>;
  enum class Kind { one, split, jump, start, end, done };
  struct Step {
    Kind kind;
    std::size_t first, second;  // where a split and a jump go on
    Set set;
  };

  // A pattern is parsed by recursive descent into steps; those of what a `*` repeats move behind its split.
  GRAFT_COLD void alternatives(int depth) {
    if (depth > kDeepest) bad("at most " + std::to_string(kDeepest) + " groups in each other");
    std::vector<std::size_t> ends;
    std::size_t from = program_.size();
    sequence(depth);
    while (at_ < text_.size() && text_[at_] == '|') {
      ++at_;
      ends.push_back(program_.size() + 1);
      program_.push_back({Kind::jump, 0, 0, {}});
      insert(from, {Kind::split, from + 1, program_.size() + 1, {}});
      from = program_.size();
      sequence(depth);
    }
    for (const std::size_t end : ends) program_[end].first = program_.size();
  }
  GRAFT_COLD void sequence(int depth) {
    while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')') {
      const std::size_t from = program_.size();
      atom(depth);
      if (at_ == text_.size()) return;
      const char c = text_[at_];
      if (c == '{') bad("no counts in braces");
      if (c != '*' && c != '+' && c != '?') continue;
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '*' || text_[at_] == '+')) bad("one of * + ? after a part");
      if (at_ < text_.size() && text_[at_] == '?') ++at_;  // how much a part takes makes no difference here
      if (c == '+') {
        program_.push_back({Kind::split, from, program_.size() + 1, {}});
      } else {
        insert(from, {Kind::split, from + 1, program_.size() + (c == '*' ? 2 : 1), {}});
        if (c == '*') program_.push_back({Kind::jump, from, 0, {}});
      }
    }
  }
  GRAFT_COLD void atom(int depth) {
    const char c = text_[at_++];
    if (c == '*' || c == '+' || c == '?') bad("something in front of \"" + std::string(1, c) + "\"");
    if (c == '{') bad("no counts in braces");
    if (c == '(') {
      if (at_ < text_.size() && text_[at_] == '?') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != ':') bad("plain groups");
        at_ += 2;
      }
      alternatives(depth + 1);
      if (at_ == text_.size()) bad("a \")\" for every \"(\"");
      ++at_;
    } else if (c == '^' || c == '$') {
      program_.push_back({c == '^' ? Kind::start : Kind::end, 0, 0, {}});
    } else {
      program_.push_back({Kind::one, 0, 0, c == '.' ? ~Set() : c == '[' ? bracket() : c == '\\' ? escape() : only(c)});
    }
  }
  GRAFT_COLD Set bracket() {
    Set set;
    const bool opposite = at_ < text_.size() && text_[at_] == '^';
    if (opposite) ++at_;
    for (bool first = true; at_ < text_.size() && (text_[at_] != ']' || first); first = false) {
      const char c = text_[at_++];
      if (c == '\\') {
        set |= escape();
      } else if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        const auto last = static_cast<unsigned char>(text_[at_ + 1]);
        at_ += 2;
        if (last < static_cast<unsigned char>(c)) bad("ranges from the lower to the higher character");
        for (std::size_t i = static_cast<unsigned char>(c); i <= last; ++i) set.set(i);
      } else {
        set |= only(c);
      }
    }
    if (at_ >= text_.size()) bad("a \"]\" for every \"[\"");
    ++at_;
    return opposite ? ~set : set;
  }
  GRAFT_COLD Set escape() {
    if (at_ >= text_.size()) bad("a character behind \"\\\"");
    const char c = text_[at_++];
    Set set;
    const auto add = [&set](char low, char high) {
      for (char i = low; i <= high; ++i) set |= only(i);
    };
    switch (c) {
      case 'd':
      case 'D': add('0', '9'); break;
      case 'w':
      case 'W': add('0', '9'), add('a', 'z'), add('A', 'Z'), add('_', '_'); break;
      case 's':
      case 'S': add('\t', '\r'), add(' ', ' '); break;
      default:
        // Letters and digits mean something in Python that is not known here: \b, \1 …
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
          bad("\\d, \\w, \\s, \\D, \\W, \\S or an escaped sign");
        }
        return only(c);
    }
    return c >= 'a' ? set : ~set;
  }
  static Set only(char c) {
    Set set;
    set.set(static_cast<unsigned char>(c));
    return set;
  }

  // Puts a step in front of those from `at` on, which then go on where they went on before. (What is behind `at` goes
  // only to places behind `at` or to `at` itself, which is its own beginning.)
  GRAFT_COLD void insert(std::size_t at, Step step) {
    for (std::size_t i = at; i < program_.size(); ++i) ++program_[i].first, ++program_[i].second;
    program_.insert(program_.begin() + static_cast<std::ptrdiff_t>(at), std::move(step));
  }

  GRAFT_COLD bool run(std::string_view text, bool full) const {
    std::vector<std::size_t> now, next;
    std::vector<std::size_t> seen(program_.size(), 0);  // the position, counted from 1, at which a step was reached
    for (std::size_t i = 0; i <= text.size(); ++i) {
      if (i == 0 || !full) now.push_back(0);
      for (std::size_t k = 0; k < now.size(); ++k) {
        const std::size_t here = now[k];
        if (std::exchange(seen[here], i + 1) == i + 1) continue;
        const Step& step = program_[here];
        switch (step.kind) {
          case Kind::done:
            if (!full || i == text.size()) return true;
            break;
          case Kind::split: now.push_back(step.second); [[fallthrough]];
          case Kind::jump: now.push_back(step.first); break;
          case Kind::start:
            if (i == 0) now.push_back(here + 1);
            break;
          case Kind::end:
            if (i == text.size()) now.push_back(here + 1);
            break;
          case Kind::one:
            if (i < text.size() && step.set.test(static_cast<unsigned char>(text[i]))) next.push_back(here + 1);
            break;
        }
      }
      now.swap(next);
      next.clear();
    }
    return false;
  }

  [[noreturn]] GRAFT_COLD void bad(const std::string& expected) const {
    fail<ConfigError>("pattern \"" + text_.substr(0, 100) + "\"", expected, "it at character " + std::to_string(at_),
                      "Patterns are regular expressions without counts, references and look-ahead.");
  }

  std::string text_;
  std::size_t at_ = 0;
  std::vector<Step> program_;
};

}  // namespace graft
