#pragma once

#include <algorithm>

#include "graft/kernels/gemm.hpp"
#include "graft/losses/embedding_loss.hpp"

namespace graft {

struct NTXentOptions {
  double temperature = 0.5;
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields& f) { f("temperature", temperature); }
};

template <class Scalar>
class NTXentImpl final : public EmbeddingLossImpl<Scalar> {
 public:
  using typename LossImpl<Scalar>::In;
  using typename LossImpl<Scalar>::Out;

  explicit NTXentImpl(const NTXentOptions& options)
      : EmbeddingLossImpl<Scalar>("nt_xent", options.reduction, options.name), options_(options) {
    if (!(options.temperature > 0 && options.temperature < 1e30)) {
      fail<ConfigError>("NTXent", "a temperature above 0", text::number("%g", options.temperature));
    }
  }
  std::string_view class_name() const override { return "NTXent"; }

  // Every row counts: forward refuses those without partner.
  bool has_mask() const override { return false; }

  void forward(In y_true, In y_pred, Out losses) const override {
    const Work work = softmax(y_true, y_pred);
    for (Index i = 0; i < work.n; ++i) {
      // log sum exp - the mean similarity of the positives, both over the temperature.
      Scalar mean = 0;
      Index positives = 0;
      for (Index j = 0; j < work.n; ++j) {
        if (j == i || y_true[j] != y_true[i]) continue;
        mean += work.similar[i * work.n + j];
        ++positives;
      }
      losses[i] = work.log_sum[i] - mean / static_cast<Scalar>(positives);
    }
  }

  void backward(In y_true, In y_pred, In scale, Out gradient) const override {
    const Work work = softmax(y_true, y_pred);
    const Index n = work.n, d = work.d;
    // similar becomes d loss / d (u_i . u_j): softmax - 1 / positives where they belong together.
    for (Index i = 0; i < n; ++i) {
      Index positives = 0;
      for (Index j = 0; j < n; ++j) positives += j != i && y_true[j] == y_true[i] ? 1 : 0;
      const Scalar share = 1 / static_cast<Scalar>(positives), rate = scale[i] / temperature();
      Scalar* row = work.similar + i * n;
      for (Index j = 0; j < n; ++j) {
        const Scalar p = j == i ? Scalar(0) : std::exp(row[j] - work.log_sum[i]);
        row[j] = rate * (j != i && y_true[j] == y_true[i] ? p - share : p);
      }
    }
    // du = (G + G^T) u
    kernels::GemmDesc desc;
    desc.m = n, desc.n = d, desc.k = n;
    kernels::gemm<Scalar>(desc, {work.similar, work.unit, gradient.data()});
    desc.accumulate = true;
    desc.trans_a = kernels::Transpose::yes;
    kernels::gemm<Scalar>(desc, {work.similar, work.unit, gradient.data()});
    for (Index i = 0; i < n; ++i) {
      const Scalar* u = work.unit + i * d;
      Scalar* g = gradient.data() + i * d;
      Scalar along = 0;
      for (Index k = 0; k < d; ++k) along += u[k] * g[k];
      for (Index k = 0; k < d; ++k) g[k] = (g[k] - along * u[k]) * work.rate[i];
    }
  }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override { NTXentOptions(options_).fields(f); }
  std::string_view hint() const override {
    return "Each picture must be there in two views, and a batch needs two pictures: view_dataset makes such batches.";
  }

 private:
  struct Work {
    Index n, d;
    Scalar* unit;     ///< (n, d): embeddings of length 1
    Scalar* rate;     ///< (n): 1 / length
    Scalar* similar;  ///< (n, n): cosine / temperature
    Scalar* log_sum;  ///< (n): log sum exp of the other rows
  };

  Scalar temperature() const { return static_cast<Scalar>(options_.temperature); }

  Work softmax(In y_true, In y_pred) const {
    const Index n = y_pred.dim(0), d = y_pred.dim(1);
    Scalar* memory = detail::loss_scratch<Scalar>(n * d + n + n * n + n);
    Work work{n, d, memory, memory + n * d, memory + n * d + n, memory + n * d + n + n * n};
    for (Index i = 0; i < n; ++i) {
      if (!this->has_other(y_true, i)) this->refuse(y_true, "all are of one");
      if (!this->has_partner(y_true, i)) this->refuse(y_true, "one has no partner");
      const Scalar* z = y_pred.data() + i * d;
      Scalar squares = 0;
      for (Index k = 0; k < d; ++k) squares += z[k] * z[k];
      // A zero vector has no direction; it is similar to nothing.
      work.rate[i] = squares > Scalar(1e-24) ? 1 / std::sqrt(squares) : Scalar(0);
      for (Index k = 0; k < d; ++k) work.unit[i * d + k] = z[k] * work.rate[i];
    }
    kernels::GemmDesc desc;
    desc.m = n, desc.n = n, desc.k = d;
    desc.trans_b = kernels::Transpose::yes;
    kernels::gemm<Scalar>(desc, {work.unit, work.unit, work.similar});
    for (Index i = 0; i < n; ++i) {
      Scalar* row = work.similar + i * n;
      Scalar most = -std::numeric_limits<Scalar>::infinity();
      for (Index j = 0; j < n; ++j) {
        row[j] /= temperature();
        if (j != i) most = std::max(most, row[j]);
      }
      Scalar sum = 0;
      for (Index j = 0; j < n; ++j) sum += j == i ? Scalar(0) : std::exp(row[j] - most);
      work.log_sum[i] = most + std::log(sum);
    }
    return work;
  }

  NTXentOptions options_;
};

/// Normalised temperature-scaled cross entropy over a batch of embeddings (n, d), two views of each picture, with
/// labels (n,) that say which picture a row is of: for each row -log(exp(s_ip / t) / sum_{j != i} exp(s_ij / t)), where
/// s is the cosine and p the other view. Where more than two rows share a label, the mean over its partners, so that
/// class labels give the supervised contrastive loss. Sources: Chen et al. 2020 (SimCLR); Khosla et al. 2020. Throws
/// ConfigError for a temperature that is not above 0; DataError for a batch of one picture and for a view without its
/// partner.
template <class Scalar = float>
class NTXent : public Loss<Scalar> {
 public:
  using Options = NTXentOptions;
  explicit NTXent(const NTXentOptions& options = {}) : Loss<Scalar>(new NTXentImpl<Scalar>(options)) {}
};

}  // namespace graft
