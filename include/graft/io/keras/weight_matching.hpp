#pragma once

#include <algorithm>

#include "graft/io/keras/kernel_layout.hpp"
#include "graft/io/keras/legacy_h5.hpp"

// Which array of a file belongs to which weight of a model. By name inside of the group, never by position across
// layers: the order on disk depends on what was frozen when the file was written.
namespace graft::keras {

struct ModelWeight {
  std::string name;  ///< "kernel"
  Shape shape;
  std::size_t index;                    ///< of the variable in the caller's list
  KernelKind kind = KernelKind::other;  ///< of a kernel that some Keras wrote in another order of axes
  bool channels_first = false;

  /// How an array of that shape becomes this weight; nothing when it does not.
  std::optional<AxisOrder> order_of(const Shape& in_file, Generation generation) const {
    return kernel_order(in_file, shape, kind, channels_first, generation);
  }
};

/// A layer without layers inside.
struct ModelLeaf {
  std::string name;
  std::vector<std::string> parents;  ///< names of the models around it inside of the group, outermost first
  std::vector<ModelWeight> weights;
};

/// A layer of the outermost model with everything inside of it.
struct ModelGroup {
  std::string name;
  std::vector<ModelLeaf> leaves;

  std::size_t size() const {
    std::size_t total = 0;
    for (const ModelLeaf& leaf : leaves) total += leaf.weights.size();
    return total;
  }
};

struct Match {
  const FileWeight* from;
  const ModelWeight* to;
  std::string label;  ///< "base/d1/kernel"
  AxisOrder order = {};
};

/// Matches the arrays of one group to the weights of one layer; every one of both sides finds its partner, or match
/// throws FileError. Shapes are only consulted where names say nothing.
class GroupMatcher {
 public:
  GroupMatcher(const FileGroup& file, const ModelGroup& model, Generation generation, const std::string& where)
      : file_(file), model_(model), generation_(generation), where_(where + ": layer \"" + model.name + "\"") {
    for (const FileWeight& weight : file.weights) paths_.push_back(weight_path(weight.name, generation));
    used_.assign(file.weights.size(), 0);
  }

  GRAFT_COLD std::vector<Match> match() {
    if (file_.weights.size() != model_.size()) {
      fail<FileError>(where_, std::to_string(model_.size()) + " weights" + list_model(),
                      std::to_string(file_.weights.size()) + list_file());
    }
    std::vector<const ModelLeaf*> leaves;
    for (const ModelLeaf& leaf : model_.leaves) {
      if (!leaf.weights.empty()) leaves.push_back(&leaf);
    }
    if (leaves.size() == 1) {
      match_leaf(*leaves[0], unused());
    } else {
      leaves = by_layer_name(leaves);
      leaves = by_name_on_the_way(leaves);
      if (leaves.size() == 1) match_leaf(*leaves[0], unused());
      else if (!leaves.empty()) by_number(leaves);
    }
    return std::move(matches_);
  }

 private:
  using Positions = std::vector<std::size_t>;

  GRAFT_COLD Positions unused() const {
    Positions result;
    for (std::size_t i = 0; i < used_.size(); ++i) {
      if (!used_[i]) result.push_back(i);
    }
    return result;
  }

  GRAFT_COLD void take(std::size_t position, const ModelLeaf& leaf, const ModelWeight& weight) {
    used_[position] = 1;
    std::string label = model_.name + "/";
    for (const std::string& parent : leaf.parents) label += parent + "/";
    if (leaf.name != model_.name || !leaf.parents.empty()) label += leaf.name + "/";
    matches_.push_back({&file_.weights[position], &weight, label + weight.name});
  }

  // One layer: by the role at the end of the name; if that does not decide, in order, where all shapes agree.
  GRAFT_COLD void match_leaf(const ModelLeaf& leaf, const Positions& positions) {
    if (positions.size() != leaf.weights.size()) {
      fail<FileError>(where_ + ", \"" + leaf.name + "\"", std::to_string(leaf.weights.size()) + " weights",
                      std::to_string(positions.size()) + list_file());
    }
    Positions chosen;
    for (const ModelWeight& weight : leaf.weights) {
      Positions candidates;
      for (const std::size_t i : positions) {
        if (ends_in(paths_[i], weight.name)) candidates.push_back(i);
      }
      if (candidates.size() != 1) {
        in_order(leaf, positions);
        return;
      }
      chosen.push_back(candidates[0]);
    }
    for (std::size_t i = 0; i < chosen.size(); ++i) take(chosen[i], leaf, leaf.weights[i]);
  }

  GRAFT_COLD void in_order(const ModelLeaf& leaf, const Positions& positions) {
    for (std::size_t i = 0; i < positions.size(); ++i) {
      const FileWeight& from = file_.weights[positions[i]];
      if (leaf.weights[i].order_of(from.data.shape(), generation_)) continue;
      fail<FileError>(where_ + ", \"" + leaf.name + "\"",
                      "names that say what is what, or the shapes of the layer in order" + list_model(),
                      "\"" + from.name + "\" " + from.data.shape().str() + " for " + leaf.weights[i].name + " " +
                          leaf.weights[i].shape.str());
    }
    for (std::size_t i = 0; i < positions.size(); ++i) take(positions[i], leaf, leaf.weights[i]);
  }

  // "…/d1/kernel" belongs to the layer d1. Returns the layers that remain.
  GRAFT_COLD std::vector<const ModelLeaf*> by_layer_name(const std::vector<const ModelLeaf*>& leaves) {
    NameIndex ends;
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      // From the second part from behind on; names of layers and of weights may contain a '/' themselves.
      std::size_t at = paths_[i].size();
      for (int parts = 0; parts < 4 && at != std::string::npos && at > 0; ++parts) {
        at = paths_[i].rfind('/', at - 1);
        if (parts > 0) ends[paths_[i].substr(at == std::string::npos ? 0 : at + 1)].push_back(i);
      }
    }
    std::vector<const ModelLeaf*> rest;
    for (const ModelLeaf* leaf : leaves) {
      Positions chosen;
      for (const ModelWeight& weight : leaf->weights) {
        const auto found = ends.find(leaf->name + "/" + weight.name);
        if (found == ends.end()) break;
        const Positions candidates = nearest(found->second, *leaf);
        if (candidates.size() != 1) break;
        chosen.push_back(candidates[0]);
      }
      if (chosen.size() != leaf->weights.size()) {
        rest.push_back(leaf);
        continue;
      }
      for (std::size_t i = 0; i < chosen.size(); ++i) take(chosen[i], *leaf, leaf->weights[i]);
    }
    return rest;
  }

  // Of several candidates those whose path names the most of the models around the layer.
  GRAFT_COLD Positions nearest(const Positions& candidates, const ModelLeaf& leaf) const {
    Positions best;
    std::size_t most = 0;
    for (const std::size_t i : candidates) {
      spend_step();
      if (used_[i]) continue;
      std::size_t named = 1;
      for (const std::string& parent : leaf.parents) {
        named += passes(paths_[i], parent) ? 1 : 0;
      }
      if (named > most) best.clear();
      if (named >= most) best.push_back(i);
      most = std::max(most, named);
    }
    return best;
  }

  // "bidirectional/forward_lstm/lstm_cell/kernel": the name of the layer stands further up.
  GRAFT_COLD std::vector<const ModelLeaf*> by_name_on_the_way(const std::vector<const ModelLeaf*>& leaves) {
    std::vector<const ModelLeaf*> rest;
    for (const ModelLeaf* leaf : leaves) {
      Positions positions;
      for (const std::size_t i : unused()) {
        spend_step();
        if (passes(paths_[i], leaf->name)) positions.push_back(i);
      }
      if (positions.size() == leaf->weights.size()) match_leaf(*leaf, positions);
      else rest.push_back(leaf);
    }
    return rest;
  }

  // A key that sorts "dense_2" before "dense_12" and counts "dense" as "dense_0"; `base` is what stands before it.
  GRAFT_COLD static std::string sort_key(const std::string& name, std::string* base = nullptr) {
    const std::size_t last = name.find_last_not_of("0123456789");
    const bool numbered =
        last != std::string::npos && last + 1 < name.size() && name[last] == '_' && name.size() - last <= 10;
    const std::string digits = numbered ? name.substr(last + 1) : "0", stem = numbered ? name.substr(0, last) : name;
    if (base) *base = stem;
    return stem + "/" + std::string(10 - digits.size(), '0') + digits;
  }

  // The layer that a path names: the part before the last one.
  GRAFT_COLD static std::string layer_in(const std::string& path) {
    const std::size_t last = path.rfind('/');
    if (last == std::string::npos || last == 0) return "";
    const std::size_t before = path.rfind('/', last - 1);
    return path.substr(before == std::string::npos ? 0 : before + 1,
                       last - (before == std::string::npos ? 0 : before + 1));
  }

  // Automatic names differ from model to model ("dense_3", "dense_4" there, "dense", "dense_1" here), but count in the
  // order in which the layers were made.
  GRAFT_COLD void by_number(const std::vector<const ModelLeaf*>& leaves) {
    NameIndex in_file, in_model;
    for (const std::size_t i : unused()) in_file[sort_key(layer_in(paths_[i]))].push_back(i);
    for (std::size_t i = 0; i < leaves.size(); ++i) in_model[sort_key(leaves[i]->name)].push_back(i);
    bool fits = in_file.size() == in_model.size() && in_model.size() == leaves.size();
    auto file = in_file.begin();
    for (auto model = in_model.begin(); fits && model != in_model.end(); ++model, ++file) {
      const ModelLeaf& leaf = *leaves[model->second[0]];
      std::string base_in_file, base_in_model;
      (void)sort_key(layer_in(paths_[file->second[0]]), &base_in_file);
      (void)sort_key(leaf.name, &base_in_model);
      fits = base_in_file == base_in_model && file->second.size() == leaf.weights.size();
    }
    if (!fits) {
      std::string names;
      for (const ModelLeaf* leaf : leaves) {
        if (names.size() < 200) names += (names.empty() ? "\"" : ", \"") + leaf->name + "\"";
      }
      fail<FileError>(where_, "weights of the layers inside of it, " + names, "other names" + list_file(),
                      "Give the layers the names that they have in the file. Their order does not tell: it depends on "
                      "what was frozen when the file was written.");
    }
    file = in_file.begin();
    for (auto model = in_model.begin(); model != in_model.end(); ++model, ++file) {
      match_leaf(*leaves[model->second[0]], file->second);
    }
  }

  // Names that are made to be hard to tell apart must not keep the reader busy.
  GRAFT_COLD void spend_step() const {
    if (++steps_ > kMaxSteps)
      throw FileError(where_ + ": too many layers and weights whose names do not tell them apart.");
  }

  GRAFT_COLD std::string list_file() const {
    std::string text;
    for (const FileWeight& weight : file_.weights) {
      if (text.size() < 300) text += (text.empty() ? " (" : ", ") + weight.name + " " + weight.data.shape().str();
    }
    return text.empty() ? text : text + ")";
  }
  GRAFT_COLD std::string list_model() const {
    std::string text;
    for (const ModelLeaf& leaf : model_.leaves) {
      for (const ModelWeight& weight : leaf.weights) {
        if (text.size() < 300) text += (text.empty() ? " (" : ", ") + weight.name + " " + weight.shape.str();
      }
    }
    return text.empty() ? text : text + ")";
  }

  static constexpr Index kMaxSteps = 20'000'000;

  const FileGroup& file_;
  const ModelGroup& model_;
  Generation generation_;
  std::string where_;
  std::vector<std::string> paths_;
  std::string used_;  // one flag for each path
  mutable Index steps_ = 0;
  std::vector<Match> matches_;
};

}  // namespace graft::keras
