#pragma once

#include "graft/nn/layers/category_layer.hpp"

namespace graft {

struct DiscretizationOptions {
  std::string output_mode = "int";  ///< "int", "one_hot", "multi_hot" or "count"
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class DiscretizationImpl final : public detail::CategoryLayerImpl<Scalar> {
  using Base = detail::CategoryLayerImpl<Scalar>;

 public:
  GRAFT_COLD DiscretizationImpl(std::vector<double> bin_boundaries, const DiscretizationOptions& options)
      : Base("Discretization", options, static_cast<Index>(bin_boundaries.size()) + 1,
             detail::category_mode(options.output_mode, true, "Discretization \"" + options.name + "\"")),
        boundaries_(std::move(bin_boundaries)),
        mode_(options.output_mode) {
    if (!std::is_sorted(boundaries_.begin(), boundaries_.end())) {
      fail<ConfigError>(this->where(), "bin_boundaries in ascending order", "others");
    }
  }
  std::string_view class_name() const override { return "Discretization"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    Config& boundaries = config["bin_boundaries"] = Config::array();
    for (const double boundary : boundaries_) boundaries.push_back(boundary);
    config["num_bins"] = Config();
    config["epsilon"] = 0.01;
    config["output_mode"] = mode_;
    return config;
  }

 protected:
  Index category(Scalar x) const override {
    // A boundary belongs to the bin above it.
    const auto above = std::upper_bound(boundaries_.begin(), boundaries_.end(), x,
                                        [](Scalar a, double b) { return a < static_cast<Scalar>(b); });
    return above - boundaries_.begin();
  }

 private:
  std::vector<double> boundaries_;
  std::string mode_;
};

/// The bin in which each number lies: bin i reaches from boundary i - 1 to below boundary i. Throws ConfigError for
/// boundaries that are not in order.
template <class Scalar = float>
class Discretization : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Discretization(std::vector<double> bin_boundaries, const DiscretizationOptions& options = {})
      : Layer<Scalar>(new DiscretizationImpl<Scalar>(std::move(bin_boundaries), options)) {}

  /// Throws ConfigError when the boundaries were learnt (adapt) and the config does not have them.
  GRAFT_COLD static Discretization from_config(const Config& config) {
    DiscretizationOptions options;
    detail::reject(config, "Discretization", "sparse");
    detail::read(config, "output_mode", options.output_mode);
    detail::read_base(config, options);
    const Config* given = config.find_set("bin_boundaries");
    if (!given) {
      fail<ConfigError>("Discretization \"" + options.name + "\"", "bin_boundaries in its config", "none",
                        "Boundaries that adapt() found are in its config only after it was called.");
    }
    std::vector<double> boundaries;
    for (const Config& boundary : given->items("bin_boundaries"))
      boundaries.push_back(boundary.as_double("bin_boundaries"));
    return Discretization(std::move(boundaries), options);
  }
};

}  // namespace graft
