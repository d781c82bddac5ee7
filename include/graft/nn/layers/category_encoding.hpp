#pragma once

#include "graft/nn/layers/category_layer.hpp"

namespace graft {

struct CategoryEncodingOptions {
  std::string output_mode = "multi_hot";  ///< "one_hot", "multi_hot" or "count"
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class CategoryEncodingImpl final : public detail::CategoryLayerImpl<Scalar> {
  using Base = detail::CategoryLayerImpl<Scalar>;

 public:
  GRAFT_COLD CategoryEncodingImpl(Index num_tokens, const CategoryEncodingOptions& options)
      : Base("CategoryEncoding", options, num_tokens,
             detail::category_mode(options.output_mode, false, "CategoryEncoding \"" + options.name + "\"")),
        mode_(options.output_mode) {
    if (num_tokens <= 0) fail<ConfigError>(this->where(), "num_tokens above 0", std::to_string(num_tokens));
  }
  std::string_view class_name() const override { return "CategoryEncoding"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["num_tokens"] = this->categories();
    config["output_mode"] = mode_;
    return config;
  }

 protected:
  Index category(Scalar x) const override {
    if (!(x >= 0 && x < static_cast<Scalar>(this->categories()))) refuse(x);
    return static_cast<Index>(x);
  }
  void check_count(std::span<const Shape> inputs) const override {
    const bool weights = inputs.size() == 2 && this->mode() == detail::CategoryMode::count;
    if (inputs.size() == 1 || (weights && inputs[0].compatible(inputs[1]))) return;
    fail<ShapeError>(this->where(), "categories and, to count, weights of the same shape",
                     std::to_string(inputs.size()) + " inputs");
  }

 private:
  [[noreturn]] GRAFT_COLD void refuse(Scalar x) const {
    fail<DataError>(this->where(), "categories from 0 to " + std::to_string(this->categories() - 1), std::to_string(x));
  }

  std::string mode_;
};

/// Categories 0 … num_tokens - 1, given as floats, as rows of num_tokens numbers: "one_hot" one for each, "multi_hot"
/// one for all of a sample, "count" how often each is there, or the sum of the weights that are a second input. Throws
/// ConfigError for num_tokens <= 0, DataError for other categories.
template <class Scalar = float>
class CategoryEncoding : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit CategoryEncoding(Index num_tokens, const CategoryEncodingOptions& options = {})
      : Layer<Scalar>(new CategoryEncodingImpl<Scalar>(num_tokens, options)) {}

  GRAFT_COLD static CategoryEncoding from_config(const Config& config) {
    CategoryEncodingOptions options;
    detail::reject(config, "CategoryEncoding", "sparse");
    detail::read(config, "output_mode", options.output_mode);
    detail::read_base(config, options);
    const Config* tokens = config.find_set("num_tokens");
    if (!tokens) tokens = &config.at("max_tokens");  // tf.keras before 2.6
    return CategoryEncoding(tokens->as_int("num_tokens"), options);
  }
};

}  // namespace graft
