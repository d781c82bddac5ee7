#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

// What the example programs share: their command lines, and one way to end. Nothing of it belongs to the library.
namespace example {

/// What the user got wrong on the command line.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// `--name`, `--name VALUE`, and the rest. Each option is asked for once; finish() refuses what nobody asked for.
class Arguments {
 public:
  Arguments(int argc, char** argv) : words_(argv + 1, argv + argc) {}

  bool flag(const std::string& name) {
    for (auto it = words_.begin(); it != words_.end(); ++it) {
      if (*it != name) continue;
      words_.erase(it);
      return true;
    }
    return false;
  }
  std::string text(const std::string& name, const std::string& otherwise) {
    for (auto it = words_.begin(); it != words_.end(); ++it) {
      if (*it != name) continue;
      if (it + 1 == words_.end()) throw UsageError(name + " needs a value");
      const std::string value = it[1];
      words_.erase(it, it + 2);
      return value;
    }
    return otherwise;
  }
  double number(const std::string& name, double otherwise) {
    const std::string value = text(name, "");
    if (value.empty()) return otherwise;
    char* end = nullptr;
    const double result = std::strtod(value.c_str(), &end);
    if (*end != '\0') throw UsageError(name + " needs a number, not \"" + value + "\"");
    return result;
  }
  /// A whole number from 1 on.
  long count(const std::string& name, long otherwise) {
    const double value = number(name, static_cast<double>(otherwise));
    if (!(value >= 1 && value <= 1e9)) throw UsageError(name + " needs a whole number from 1 on");
    const auto result = static_cast<long>(value);
    if (static_cast<double>(result) != value) throw UsageError(name + " needs a whole number");
    return result;
  }
  /// What is left when all options were asked for: exactly this many words.
  std::vector<std::string> finish(std::size_t words = 0) {
    for (const std::string& word : words_) {
      if (word.size() > 1 && word[0] == '-') throw UsageError("unknown option \"" + word + "\"");
    }
    if (words_.size() < words) throw UsageError("an argument is missing");
    if (words_.size() > words) throw UsageError("too many arguments");
    return words_;
  }

 private:
  std::vector<std::string> words_;
};

/// "mean ± standard deviation" of a sample.
inline std::string statistics(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  char text[64];
  if (values.size() < 2) std::snprintf(text, sizeof text, "%.4f ± n/a", mean);
  else std::snprintf(text, sizeof text, "%.4f ± %.4f", mean, std::sqrt(squares / static_cast<double>(values.size() - 1)));
  return text;
}

/// The whole of a main function: `body(arguments)` returns the exit status; what it throws is printed, with status 2.
template <class Body>
int run(int argc, char** argv, const char* usage, Body&& body) {
  try {
    Arguments arguments(argc, argv);
    if (arguments.flag("--help") || arguments.flag("-h")) {
      std::printf("usage: %s\n", usage);
      return 0;
    }
    return body(arguments);
  } catch (const UsageError& error) {
    std::fprintf(stderr, "%s\nusage: %s\n", error.what(), usage);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return 2;
}

}  // namespace example
