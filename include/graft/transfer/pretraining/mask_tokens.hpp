#pragma once

#include <optional>

#include "graft/data/dataset.hpp"

namespace graft {

struct MaskTokensOptions {
  double probability = 0.15;       ///< that a token is to be guessed
  double mask_share = 0.8;         ///< of those: replaced by the mask token
  double random_share = 0.1;       ///< replaced by any token; the rest stays as it is
  Index padding = 0;               ///< never chosen
  Index ignore = -1;               ///< the target where nothing is to be guessed
  std::optional<Index> seed = {};  ///< none: of set_random_seed
};

/// Masked-token prediction (BERT, Devlin et al. 2019): hides some tokens of each sequence and makes the sequence itself
/// the target, with `ignore` at all other places. x: sequences (time,) of indices 1 … vocabulary - 1, padded with 0;
/// `mask_token` is an index that no text has. What is hidden depends on the seed, the pass and the sample: put it in
/// front of batch. For a model
///
///     graft::Embedding(vocabulary, 32, {.mask_zero = true}), …, graft::Dense(vocabulary, {.activation = "softmax"})
///
/// with SparseCategoricalCrossentropy({.ignore_class = -1}). Throws ConfigError for probabilities out of range and a
/// mask token outside of the vocabulary; making a sample throws DataError for a token outside of it.
template <class Scalar>
GRAFT_COLD Dataset<Scalar> mask_tokens(const Dataset<Scalar>& dataset, Index vocabulary, Index mask_token,
                                       const MaskTokensOptions& options = {}) {
  const auto share = [](const char* name, double value) {
    if (!(value >= 0 && value <= 1)) {
      fail<ConfigError>("mask_tokens", std::string(name) + " from 0 to 1", text::number("%g", value));
    }
  };
  share("probability", options.probability);
  share("mask_share", options.mask_share);
  share("random_share", options.random_share);
  share("mask_share + random_share", options.mask_share + options.random_share);
  if (vocabulary < 2) fail<ConfigError>("mask_tokens", "a vocabulary of at least 2", std::to_string(vocabulary));
  if (mask_token < 0 || mask_token >= vocabulary || mask_token == options.padding) {
    fail<ConfigError>("mask_tokens", "a mask_token of the " + std::to_string(vocabulary) + " that is not the padding",
                      std::to_string(mask_token));
  }
  return dataset.map(
      [=](Batch<Scalar>& sample, RandomKey key) {
        if (sample.x.size() != 1) {
          fail<DataError>("mask_tokens", "samples of one sequence", std::to_string(sample.x.size()) + " arrays");
        }
        Tensor<Scalar>& x = sample.x[0];
        sample.y.resize(1);
        detail::copy_tensor<Scalar>(std::as_const(x).view(), sample.y[0]);
        Rng rng(key);
        for (Index i = 0; i < x.size(); ++i) {
          if (!(x[i] >= 0 && x[i] < static_cast<Scalar>(vocabulary))) {
            fail<DataError>("mask_tokens", "tokens from 0 to " + std::to_string(vocabulary - 1),
                            text::number("%g", static_cast<double>(x[i])));
          }
          // The same numbers are drawn for every token, so that a change of one leaves the others as they are.
          const double chosen = rng.uniform(), how = rng.uniform();
          const Index other = rng.below(vocabulary);
          if (x[i] == static_cast<Scalar>(options.padding) || chosen >= options.probability) {
            sample.y[0][i] = static_cast<Scalar>(options.ignore);
          } else if (how < options.mask_share) {
            x[i] = static_cast<Scalar>(mask_token);
          } else if (how < options.mask_share + options.random_share) {
            // Padding would cut the sequence in two.
            x[i] = static_cast<Scalar>(other == options.padding ? mask_token : other);
          }
        }
      },
      {.seed = options.seed});
}

}  // namespace graft
