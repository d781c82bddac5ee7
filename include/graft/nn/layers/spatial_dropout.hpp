#pragma once

#include "graft/nn/layers/dropout.hpp"
#include "graft/nn/layers/spatial.hpp"

namespace graft {

struct SpatialDropout1DOptions {
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};
struct SpatialDropoutOptions {
  std::string data_format = "channels_last";  ///< "channels_first": (batch, channels, …)
  std::optional<Index> seed = {};             ///< mixed into the numbers that set_random_seed starts
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

namespace detail {

template <class Options>
GRAFT_COLD Options read_spatial_dropout(const Config& config) {
  Options options;
  if constexpr (requires { options.data_format; }) read(config, "data_format", options.data_format);
  options.seed = read_seed(config);
  read_base(config, options);
  return options;
}

}  // namespace detail

/// SpatialDropout over 1 to 3 dimensions: Dropout that draws once for each channel of a sample.
template <class Scalar>
class SpatialDropoutImpl final : public detail::MaskLayerImpl<Scalar> {
  using Base = detail::MaskLayerImpl<Scalar>;

 public:
  template <class Options>
  GRAFT_COLD SpatialDropoutImpl(int rank, double rate, const Options& options)
      : Base(name_of(rank), settings(rank, rate, options)), rank_(rank), format_(format_of(rank, options)) {
    this->check_rate(rate);
  }
  std::string_view class_name() const override { return name_of(rank_); }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    return detail::split_spatial(inputs[0], rank_, format_, this->where()).shape(format_);
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config.erase("noise_shape");
    if (rank_ > 1) config["data_format"] = detail::data_format_name(format_);
    return config;
  }

 protected:
  typename Base::Rule rule() const override { return {static_cast<Scalar>(1 / (1 - this->rate())), 0, 0}; }

 private:
  GRAFT_COLD static const char* name_of(int rank) {
    static constexpr const char* kNames[] = {"SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"};
    return kNames[rank - 1];
  }
  template <class Options>
  GRAFT_COLD static DataFormat format_of(int rank, const Options& options) {
    if constexpr (requires { options.data_format; }) {
      return detail::parse_data_format(options.data_format, std::string(name_of(rank)) + " \"" + options.name + "\"");
    }
    return DataFormat::channels_last;
  }
  template <class Options>
  GRAFT_COLD static detail::DropoutSettings settings(int rank, double rate, const Options& options) {
    DropoutOptions dropout;
    detail::SpatialShape mask;  // everything unknown but the sizes, which are 1
    mask.rank = rank;
    dropout.noise_shape = mask.shape(format_of(rank, options));
    dropout.seed = options.seed;
    dropout.name = options.name;
    dropout.trainable = options.trainable;
    dropout.input_shape = options.input_shape;
    return detail::DropoutSettings(rate, dropout);
  }

  int rank_;
  DataFormat format_;
};

/// Dropout that drops whole channels of (batch, length, channels): neighbours are alike in a feature map, so that
/// dropping single elements would hardly change it (Tompson et al. 2015). Throws ConfigError for a rate outside [0, 1).
template <class Scalar = float>
class SpatialDropout1D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit SpatialDropout1D(double rate, const SpatialDropout1DOptions& options = {})
      : Layer<Scalar>(new SpatialDropoutImpl<Scalar>(1, rate, options)) {}

  GRAFT_COLD static SpatialDropout1D from_config(const Config& config) {
    return SpatialDropout1D(detail::read_rate(config), detail::read_spatial_dropout<SpatialDropout1DOptions>(config));
  }
};

/// SpatialDropout1D's rule for (batch, height, width, channels).
template <class Scalar = float>
class SpatialDropout2D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit SpatialDropout2D(double rate, const SpatialDropoutOptions& options = {})
      : Layer<Scalar>(new SpatialDropoutImpl<Scalar>(2, rate, options)) {}

  GRAFT_COLD static SpatialDropout2D from_config(const Config& config) {
    return SpatialDropout2D(detail::read_rate(config), detail::read_spatial_dropout<SpatialDropoutOptions>(config));
  }
};

/// SpatialDropout1D's rule for (batch, depth, height, width, channels).
template <class Scalar = float>
class SpatialDropout3D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit SpatialDropout3D(double rate, const SpatialDropoutOptions& options = {})
      : Layer<Scalar>(new SpatialDropoutImpl<Scalar>(3, rate, options)) {}

  GRAFT_COLD static SpatialDropout3D from_config(const Config& config) {
    return SpatialDropout3D(detail::read_rate(config), detail::read_spatial_dropout<SpatialDropoutOptions>(config));
  }
};

}  // namespace graft
