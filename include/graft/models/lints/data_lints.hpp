#pragma once

#include <optional>
#include <string_view>

#include "graft/data/dataset.hpp"
#include "graft/models/model_impl.hpp"

// Lints that look at the data of fit.
namespace graft::detail {

/// Where pixels lie, by the smallest and the largest number of some pictures.
enum class PixelKind { unknown, unit, symmetric, standardised, raw, centred };

GRAFT_COLD inline PixelKind pixel_kind(double least, double most) {
  if (!(least < most)) return PixelKind::unknown;
  constexpr double slack = 1e-3;
  if (least >= 0)
    return most <= 1 + slack ? PixelKind::unit : most <= 255 + slack ? PixelKind::raw : PixelKind::unknown;
  if (least >= -1 - slack && most <= 1 + slack) return PixelKind::symmetric;
  if (least > -5 && most < 5) return PixelKind::standardised;
  return least > -256 && most < 256 ? PixelKind::centred : PixelKind::unknown;
}

GRAFT_COLD inline const char* text_of(PixelKind kind) {
  switch (kind) {
    case PixelKind::unit: return "[0, 1]";
    case PixelKind::symmetric: return "[-1, 1]";
    case PixelKind::standardised: return "standardised colours (torch)";
    case PixelKind::raw: return "[0, 255]";
    default: return "[0, 255] less a mean of each colour (caffe)";
  }
}

/// Pictures that are not what the base was trained on. `mode` and `wanted` say what that is.
template <class Scalar>
GRAFT_COLD void lint_preprocess_input(const TensorView<const Scalar>& x, const char* mode, PixelKind wanted,
                                      std::vector<Lint>& found) {
  if (x.rank() != 4 || x.dim(0) == 0) return;
  const TensorView<const Scalar> batch = x.rows(0, std::min<Index>(x.dim(0), 32));
  const auto [least, most] = std::minmax_element(batch.data(), batch.data() + batch.size());
  const PixelKind kind = pixel_kind(static_cast<double>(*least), static_cast<double>(*most));
  if (kind == PixelKind::unknown || kind == wanted) return;
  found.push_back({"preprocess_input",
                   "the pictures of the first batch lie between " + text::number("%.4g", static_cast<double>(*least)) +
                       " and " + text::number("%.4g", static_cast<double>(*most)) + ", which looks like " +
                       text_of(kind) + "; the base was trained on " + text_of(wanted) + ".",
                   std::string("Use preprocess_input of its family (mode ") + mode + ") on pictures of 0 to 255."});
}

/// By what preprocessing_mode_of knows of the model.
template <class Handle, class Scalar>
GRAFT_COLD void lint_preprocessing_of(const Handle& model, const TensorView<const Scalar>& x,
                                      std::vector<Lint>& found) {
  const auto mode = preprocessing_mode_of(model);
  if (!mode) return;
  const std::string_view name = mode_name(*mode);
  // A model that brings its own preprocessing may begin with any range.
  if (name == "caffe") lint_preprocess_input(x, "caffe", PixelKind::centred, found);
  if (name == "tf") lint_preprocess_input(x, "tf", PixelKind::symmetric, found);
  if (name == "torch") lint_preprocess_input(x, "torch", PixelKind::standardised, found);
}

/// Labels that a head of this many units was hardly made for. Labels that it cannot have are an error of the loss.
template <class Scalar>
GRAFT_COLD void lint_labels(const Layer<Scalar>& head, Index units, const Loss<Scalar>& loss,
                            const TensorView<const Scalar>& y, std::vector<Lint>& found) {
  if (!loss || y.size() == 0) return;
  const auto [least, most] = std::minmax_element(y.data(), y.data() + y.size());
  const std::string where = head.impl().where();
  const std::string last = text::number("%g", static_cast<double>(*most));
  if (loss.class_name() == "SparseCategoricalCrossentropy" &&
      static_cast<double>(*most) + 1 < static_cast<double>(units)) {
    found.push_back({"class_count",
                     where + " has " + std::to_string(units) + " outputs, but the labels end at " + last + ".",
                     "Replace the head by one of as many units as there are classes."});
  }
  if (loss.class_name() == "BinaryCrossentropy" && (*least < 0 || *most > 1)) {
    found.push_back({"class_count",
                     where + " says yes or no, but there are labels from " +
                         text::number("%g", static_cast<double>(*least)) + " to " + last + ".",
                     "For more than two classes use one unit a class, softmax and sparse_categorical_crossentropy."});
  }
}

/// What the first batch of a dataset shows. It is made for that alone where the model's family wants to see pictures in
/// a way of its own.
template <class Handle, class Scalar>
GRAFT_COLD std::vector<Lint> lint_dataset(const Handle& model, const Dataset<Scalar>& dataset) {
  std::vector<Lint> found;
  if constexpr (requires { preprocessing_mode_of(model); }) {
    if (!preprocessing_mode_of(model)) return found;
    const Batch<Scalar> first = dataset.first();
    if (!first.x.empty()) lint_preprocessing_of(model, first.x.front().view(), found);
  }
  return found;
}

/// All lints that fit finds before its first epoch.
template <class Handle, class Scalar>
GRAFT_COLD std::vector<Lint> lint_data(const Handle& model, const LossList<Scalar>& losses,
                                       const std::vector<TensorView<const Scalar>>& x,
                                       const std::vector<TensorView<const Scalar>>& y) {
  std::vector<Lint> found;
  if (!x.empty()) lint_preprocessing_of(model, x.front(), found);
  const auto& outputs = model.impl().graph().outputs();
  for (std::size_t i = 0; i < outputs.size() && i < y.size(); ++i) {
    lint_labels<Scalar>(outputs[i].layer(), outputs[i].shape().back(), losses[i], y[i], found);
  }
  return found;
}

}  // namespace graft::detail
