#pragma once

#include "graft/io/keras/weight_matching.hpp"
#include "graft/models/load_report.hpp"

namespace graft::keras {

/// Decides what goes where between a file and a model, and checks all of it. Nothing is read or written yet.
class WeightPlan {
 public:
  std::vector<Match> matches;
  LoadReport report;

  /// `file` and `model` must outlive the plan. Throws FileError when they do not fit.
  GRAFT_COLD WeightPlan(const std::vector<FileGroup>& file, const std::vector<ModelGroup>& model, Generation generation,
                        const LoadWeightsOptions& options, std::string where)
      : generation_(generation), options_(options), where_(std::move(where)) {
    for (const FileGroup& group : file) {
      if (!group.weights.empty()) file_.push_back(&group);
    }
    for (const ModelGroup& group : model) {
      if (group.size() > 0) model_.push_back(&group);
    }
    if (options.by_name || same_names()) by_name();
    else by_order();
    const bool anything = !file_.empty() && !model_.empty();
    if (matches.empty() && (anything || !file_.empty() != !model_.empty())) refuse_nothing();
  }

 private:
  GRAFT_COLD static NameIndex index_of(const std::vector<const FileGroup*>& groups) {
    NameIndex index;
    for (std::size_t i = 0; i < groups.size(); ++i) index[groups[i]->name].push_back(i);
    return index;
  }

  GRAFT_COLD bool same_names() const {
    const NameIndex in_file = index_of(file_);
    for (const ModelGroup* group : model_) {
      if (in_file.count(group->name) == 0) return false;
    }
    return in_file.size() == file_.size() && in_file.size() == model_.size();
  }

  // Keras: the k-th layer with weights in the file is the k-th layer with weights in the model.
  GRAFT_COLD void by_order() {
    if (file_.size() != model_.size()) {
      fail<FileError>(
          where_ + ": Layer count mismatch", std::to_string(model_.size()) + " layers with weights, as in the model",
          std::to_string(file_.size()),
          first_difference() + " To load the layers whose names agree: load_weights(path, {.by_name = true}).");
    }
    for (std::size_t i = 0; i < file_.size(); ++i) {
      try {
        match(*file_[i], *model_[i]);
      } catch (const FileError& error) {
        throw FileError(std::string(error.what()) + " It is number " + std::to_string(i + 1) + " of " +
                        std::to_string(file_.size()) +
                        " layers with weights, the first that differs; in the file it is " + describe(*file_[i]) + ".");
      }
    }
  }

  // For who has the file of another network: where the two part.
  GRAFT_COLD std::string first_difference() const {
    std::size_t i = 0;
    while (i < file_.size() && i < model_.size() && fits(*file_[i], *model_[i])) ++i;
    const std::string in_model = i < model_.size() ? "the model has " + describe(*model_[i]) : "the model ends";
    const std::string in_file = i < file_.size() ? "the file has " + describe(*file_[i]) : "the file ends";
    const std::string number = std::to_string(i + 1);
    return "The first layer that differs is number " + number + ": " + in_model + ", " + in_file + ".";
  }
  GRAFT_COLD bool fits(const FileGroup& file, const ModelGroup& model) const {
    try {
      for (const Match& one : GroupMatcher(file, model, generation_, where_).match()) {
        if (!one.to->order_of(one.from->data.shape(), generation_)) return false;
      }
      return true;
    } catch (const FileError&) {
      return false;
    }
  }
  GRAFT_COLD static std::string describe(const FileGroup& group) {
    std::string text = "\"" + group.name + "\"";
    for (const FileWeight& weight : group.weights) add_shape(weight.data.shape(), text);
    return text;
  }
  GRAFT_COLD static std::string describe(const ModelGroup& group) {
    std::string text = "\"" + group.name + "\"";
    for (const ModelLeaf& leaf : group.leaves) {
      for (const ModelWeight& weight : leaf.weights) add_shape(weight.shape, text);
    }
    return text;
  }
  GRAFT_COLD static void add_shape(const Shape& shape, std::string& text) {
    if (text.size() < 200) text += " " + shape.str();
  }

  GRAFT_COLD void by_name() {
    NameIndex unused = index_of(file_);
    for (const ModelGroup* group : model_) {
      const auto found = unused.find(group->name);
      if (found == unused.end()) {
        for (const ModelLeaf& leaf : group->leaves) {
          for (const ModelWeight& weight : leaf.weights) report.missing.push_back(leaf.name + "/" + weight.name);
        }
        continue;
      }
      match(*file_[found->second[0]], *group);
      unused.erase(found);
    }
    for (const auto& [name, positions] : unused) {
      for (const FileWeight& weight : file_[positions[0]]->weights) report.skipped.push_back(name + "/" + weight.name);
    }
  }

  GRAFT_COLD void match(const FileGroup& file, const ModelGroup& model) {
    std::vector<Match> found;
    try {
      found = GroupMatcher(file, model, generation_, where_).match();
    } catch (const FileError& error) {
      if (!options_.skip_mismatch) throw;
      for (const FileWeight& weight : file.weights) report.skipped.push_back(file.name + "/" + weight.name);
      report.warnings.push_back(std::string("skipped: ") + error.what());
      return;
    }
    for (Match& one : found) {
      if (const auto order = one.to->order_of(one.from->data.shape(), generation_)) {
        one.order = *order;
        report.loaded.push_back(one.label);
        matches.push_back(std::move(one));
        continue;
      }
      const std::string text = where_ + ": weight \"" + one.label + "\": expected shape " + one.to->shape.str() +
                               ", received " + one.from->data.shape().str() + " (\"" + one.from->name + "\").";
      if (!options_.skip_mismatch) {
        throw FileError(text +
                        " To leave such weights as they are: load_weights(path, {.by_name = true, "
                        ".skip_mismatch = true}).");
      }
      report.skipped.push_back(one.label);
      report.warnings.push_back("skipped: " + text);
    }
  }

  [[noreturn]] GRAFT_COLD void refuse_nothing() const {
    std::vector<std::string> names;
    for (const FileGroup* group : file_) names.push_back(group->name);
    std::string expected = "weights of at least one layer of the model", hint;
    if (!model_.empty()) {
      expected += ", of \"" + model_.front()->name + "\" for example";
      if (!names.empty() && names.size() < 1000) hint = text::did_you_mean(model_.front()->name, names);
    }
    fail<FileError>(where_, expected, names.empty() ? "a file without weights" : "none that fits", hint.substr(0, 500));
  }

  Generation generation_;
  LoadWeightsOptions options_;
  std::string where_;
  std::vector<const FileGroup*> file_;
  std::vector<const ModelGroup*> model_;
};

}  // namespace graft::keras
