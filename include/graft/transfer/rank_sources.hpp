#pragma once

#include <chrono>

#include "graft/models/model.hpp"
#include "graft/transfer/logme.hpp"
#include "graft/transfer/pooled_features.hpp"

namespace graft {

struct RankOptions {
  ProbeTask task = ProbeTask::automatic;
  Index batch_size = 32;
  bool drop_classifier = true;  ///< of a model that ends in softmax or sigmoid, the layer below it is looked at
  bool flatten = false;         ///< all numbers of a map, not the mean of each channel
  Index max_features = 2048;    ///< longer rows are hashed into that many
};

/// One pretrained model and what LogME expects of it.
struct SourceScore {
  std::size_t index = 0;  ///< in the list that was given
  std::string name;
  double score = 0;    ///< LogME; larger is better
  Index features = 0;  ///< numbers per sample that were looked at
  double seconds = 0;  ///< that it took
};

struct SourceRanking {
  std::vector<SourceScore> sources;  ///< best first
  std::string text;                  ///< as a table

  const SourceScore& best() const { return sources.front(); }
};

namespace detail {

// The graph down to what the last layer is given, when that layer classifies.
template <class Scalar>
GRAFT_COLD FlatGraph<Scalar> without_classifier(FlatGraph<Scalar> graph) {
  while (ends_in_classifier(graph)) {
    const auto node = graph.nodes.back();
    graph.outputs = {node.inputs[0]};
    graph.nodes.pop_back();
    // Dense, then Activation("softmax"): the Dense belongs to it.
    const bool bare = node.layer->variables().empty() && !graph.nodes.empty();
    if (!bare || graph.nodes.back().layer->config().find("units") == nullptr) break;
    graph.outputs = {graph.nodes.back().inputs[0]};
    graph.nodes.pop_back();
    break;
  }
  graph.output_masks.assign(graph.outputs.size(), FlatGraph<Scalar>::kNone);
  return graph;
}

}  // namespace detail

/// Which pretrained model to start from, before any training: the models by LogME of their features for the labels of
/// the new task (You et al. 2021). Each model runs once over the data; features are what its last layer but the
/// classifier gives, maps by the mean of each channel. The samples are the same for all: models that want others
/// (another size, another preprocess_input) need that in front, as a Resizing or Rescaling layer. Scores are comparable
/// within one ranking only.
///
/// Throws ConfigError for an empty list, labels without two classes; ShapeError, naming the model, for data that do not
/// fit.
template <class Scalar>
GRAFT_COLD SourceRanking rank_sources(const std::vector<Model<Scalar>>& models, const TrainingData<Scalar>& data,
                                      const RankOptions& options = {}) {
  if (models.empty()) fail<ConfigError>("rank_sources", "at least one model", "none");
  if (data.y.size() != 1) fail<ConfigError>("rank_sources", "one array of labels", std::to_string(data.y.size()));
  if (options.batch_size < 1 || options.max_features < 1) {
    fail<ConfigError>("rank_sources", "batch_size and max_features of at least 1",
                      std::to_string(std::min(options.batch_size, options.max_features)));
  }
  const auto targets = detail::probe_targets<double>("rank_sources", data.y[0].view(), options.task);
  if (targets.y.rows() != data.x.samples()) {
    fail<ShapeError>("rank_sources", "as many labels as samples: " + std::to_string(data.x.samples()),
                     std::to_string(targets.y.rows()));
  }
  SourceRanking ranking;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const auto began = std::chrono::steady_clock::now();
    const auto& impl = models[i].impl();
    const std::string where = "rank_sources, model " + std::to_string(i);
    detail::build_from_data(impl, data.x);
    const auto views = detail::checked_inputs(where.c_str(), impl, data.x);
    FlatGraph<Scalar> graph = flatten(impl.graph(), false);
    graph.output_masks.assign(graph.outputs.size(), FlatGraph<Scalar>::kNone);
    if (options.drop_classifier) graph = detail::without_classifier(std::move(graph));
    const auto features = detail::pooled_outputs<double, Scalar>(graph, views, options.batch_size,
                                                                 {options.flatten, options.max_features});
    Index width = 0;
    for (const auto& output : features) width += output.cols();
    detail::ProbeMatrix<double> all(targets.y.rows(), width);
    Index at = 0;
    for (const auto& output : features) {
      all.middleCols(at, output.cols()) = output;
      at += output.cols();
    }
    if (!all.allFinite()) {
      fail<DataError>(where + ", " + impl.where(), "finite features", "NaN or infinity");
    }
    const double score = detail::log_me<double>(all, targets.y);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    ranking.sources.push_back({i, models[i].name(), score, width, took.count()});
  }
  std::stable_sort(ranking.sources.begin(), ranking.sources.end(),
                   [](const SourceScore& a, const SourceScore& b) { return a.score > b.score; });
  ranking.text = "LogME        features  seconds  model\n";
  for (const SourceScore& source : ranking.sources) {
    ranking.text += text::number("%-12.5f", source.score) +
                    text::number(" %8.0f", static_cast<double>(source.features)) +
                    text::number("  %7.2f", source.seconds) + "  " + source.name + "\n";
  }
  return ranking;
}

}  // namespace graft
