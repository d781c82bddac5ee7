#pragma once

#include "graft/core/named_factory.hpp"
#include "graft/losses/binary_crossentropy.hpp"
#include "graft/losses/binary_focal_crossentropy.hpp"
#include "graft/losses/categorical_crossentropy.hpp"
#include "graft/losses/categorical_focal_crossentropy.hpp"
#include "graft/losses/categorical_generalized_cross_entropy.hpp"
#include "graft/losses/categorical_hinge.hpp"
#include "graft/losses/contrastive_loss.hpp"
#include "graft/losses/cosine_similarity.hpp"
#include "graft/losses/custom_loss.hpp"
#include "graft/losses/dice.hpp"
#include "graft/losses/hinge.hpp"
#include "graft/losses/huber.hpp"
#include "graft/losses/kl_divergence.hpp"
#include "graft/losses/log_cosh.hpp"
#include "graft/losses/mean_absolute_error.hpp"
#include "graft/losses/mean_absolute_percentage_error.hpp"
#include "graft/losses/mean_squared_error.hpp"
#include "graft/losses/mean_squared_logarithmic_error.hpp"
#include "graft/losses/mined_triplet_loss.hpp"
#include "graft/losses/nt_xent.hpp"
#include "graft/losses/poisson.hpp"
#include "graft/losses/sparse_categorical_crossentropy.hpp"
#include "graft/losses/squared_hinge.hpp"
#include "graft/losses/triplet_loss.hpp"
#include "graft/losses/tversky.hpp"

namespace graft {

namespace detail {

template <class Scalar, class LossHandle>
GRAFT_COLD Loss<Scalar> make_loss(const Config& config, std::string_view) {
  auto options = options_from_config<typename LossHandle::Options>(config);
  const std::string name = config.get("name", "");
  options.name = name;
  options.reduction = Reduction(config.get("reduction", "sum_over_batch_size"));
  return LossHandle(options);
}

template <class Scalar>
inline constexpr NamedClass<Loss<Scalar>> kLosses[] = {
    {"BinaryCrossentropy binary_crossentropy bce", make_loss<Scalar, BinaryCrossentropy<Scalar>>},
    {"BinaryFocalCrossentropy binary_focal_crossentropy", make_loss<Scalar, BinaryFocalCrossentropy<Scalar>>},
    {"CategoricalCrossentropy categorical_crossentropy", make_loss<Scalar, CategoricalCrossentropy<Scalar>>},
    {"CategoricalFocalCrossentropy categorical_focal_crossentropy",
     make_loss<Scalar, CategoricalFocalCrossentropy<Scalar>>},
    {"CategoricalGeneralizedCrossEntropy categorical_generalized_cross_entropy",
     make_loss<Scalar, CategoricalGeneralizedCrossEntropy<Scalar>>},
    {"CategoricalHinge categorical_hinge", make_loss<Scalar, CategoricalHinge<Scalar>>},
    {"ContrastiveLoss contrastive_loss", make_loss<Scalar, ContrastiveLoss<Scalar>>},
    {"CosineSimilarity cosine_similarity", make_loss<Scalar, CosineSimilarity<Scalar>>},
    {"Dice dice", make_loss<Scalar, Dice<Scalar>>},
    {"Hinge hinge", make_loss<Scalar, Hinge<Scalar>>},
    {"Huber huber huber_loss", make_loss<Scalar, Huber<Scalar>>},
    {"KLDivergence kl_divergence kld kullback_leibler_divergence", make_loss<Scalar, KLDivergence<Scalar>>},
    {"LogCosh log_cosh logcosh", make_loss<Scalar, LogCosh<Scalar>>},
    {"MeanAbsoluteError mean_absolute_error mae", make_loss<Scalar, MeanAbsoluteError<Scalar>>},
    {"MeanAbsolutePercentageError mean_absolute_percentage_error mape",
     make_loss<Scalar, MeanAbsolutePercentageError<Scalar>>},
    {"MeanSquaredError mean_squared_error mse", make_loss<Scalar, MeanSquaredError<Scalar>>},
    {"MeanSquaredLogarithmicError mean_squared_logarithmic_error msle",
     make_loss<Scalar, MeanSquaredLogarithmicError<Scalar>>},
    {"NTXent nt_xent", make_loss<Scalar, NTXent<Scalar>>},
    {"Poisson poisson", make_loss<Scalar, Poisson<Scalar>>},
    {"SparseCategoricalCrossentropy sparse_categorical_crossentropy",
     make_loss<Scalar, SparseCategoricalCrossentropy<Scalar>>},
    {"SquaredHinge squared_hinge", make_loss<Scalar, SquaredHinge<Scalar>>},
    {"TripletHardLoss triplet_hard_loss", make_loss<Scalar, TripletHardLoss<Scalar>>},
    {"TripletLoss triplet_loss", make_loss<Scalar, TripletLoss<Scalar>>},
    {"TripletSemiHardLoss triplet_semi_hard_loss", make_loss<Scalar, TripletSemiHardLoss<Scalar>>},
    {"Tversky tversky", make_loss<Scalar, Tversky<Scalar>>},
};

/// Classes that register_loss has added.
template <class Scalar>
std::vector<NamedClass<Loss<Scalar>>>& own_losses() {
  static std::vector<NamedClass<Loss<Scalar>>> list;
  return list;
}

}  // namespace detail

template <class Scalar>
GRAFT_COLD Loss<Scalar> Loss<Scalar>::from_config(const Config& config) {
  if (config.is_null()) return Loss();
  return make_named<Loss>("loss", read_object_name("loss", config), detail::own_losses<Scalar>(),
                          detail::kLosses<Scalar>);
}

/// Makes a loss of your own known by name, to `compile` and to files: `LossHandle::Options` has fields(), and the
/// handle is made from it. `class_name` must be a literal. Call it before other threads make losses.
template <class LossHandle, class Scalar = float>
GRAFT_COLD void register_loss(const char* class_name) {
  detail::own_losses<Scalar>().push_back({class_name, detail::make_loss<Scalar, LossHandle>});
}

}  // namespace graft
