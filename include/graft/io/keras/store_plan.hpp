#pragma once

#include <algorithm>
#include <deque>
#include <set>

#include "graft/core/text.hpp"
#include "graft/io/keras/weight_matching.hpp"
#include "graft/io/keras/weight_store.hpp"
#include "graft/models/model.hpp"
#include "graft/models/store_keys.hpp"

namespace graft::keras {

/// Decides which array of a tree (WeightStore) belongs to which variable of a model, and checks all of it; nothing is
/// read yet. Keras goes by class and count alone: "dense_1" is the second Dense. Where the file tells the names of the
/// layers and these are the model's, they decide among the layers of a class; this keeps a model right whose layers
/// stand in another order than when it was saved.
template <class Scalar>
class StorePlan {
 public:
  std::vector<Match> matches;
  std::vector<VariablePtr<Scalar>> variables;
  LoadReport report;

  /// Throws FileError when file and model do not fit.
  GRAFT_COLD StorePlan(const WeightStore& store, const Model<Scalar>& model, const LoadWeightsOptions& options)
      : store_(store), options_(options) {
    match_model(model.impl(), "", "", true);
    if (matches.empty() && !model.weights().empty()) {
      fail<FileError>(store.where(), "weights of at least one layer of the model", "none that fits");
    }
    for (const std::string& path : store.below("")) {
      const bool of_model = path.compare(0, 6, "layers") == 0 || path.compare(0, 7, "_layer_") == 0;
      if (of_model && used_.count(path) == 0 && path.find("seed_generator") == path.npos)
        report.skipped.push_back(path);
    }
  }
  StorePlan(const StorePlan&) = delete;
  StorePlan& operator=(const StorePlan&) = delete;

 private:
  GRAFT_COLD void match_model(const ModelImpl<Scalar>& model, const std::string& prefix, const std::string& label,
                              bool outermost) {
    std::string container = prefix + "layers/";
    if (!store_.has_below(container)) {
      const std::string old = prefix + "_layer_checkpoint_dependencies/";  // tf.keras 2.13
      if (store_.has_below(old)) container = old;
    }
    const std::vector<Layer<Scalar>> layers = model.layers();
    const std::vector<std::string> keys = keys_of(layers, container, outermost);
    if (!options_.by_name) check_count(layers, keys, container);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const std::string path = keys[i].empty() ? "" : container + keys[i] + "/";
      const std::string below = label + layers[i].name() + "/";
      const auto* inner = dynamic_cast<const ModelImpl<Scalar>*>(&layers[i].impl());
      if (inner && !path.empty()) match_model(*inner, path, below, false);
      else match_layer(layers[i], path, below);
    }
  }

  GRAFT_COLD void match_layer(const Layer<Scalar>& layer, const std::string& path, const std::string& label) {
    const auto own = layer.weights();
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (!seen_.insert(own[i].get()).second || own[i]->is_adapter()) continue;  // shared: stored once
      const std::string name = label + own[i]->name();
      const std::string at = path.empty() ? "" : find(path, layer.impl().store_path(i));
      if (at.empty()) {
        if (!options_.by_name && !options_.skip_mismatch) {
          fail<FileError>(store_.where(),
                          "the weight \"" + name + "\" as \"" + path + layer.impl().store_path(i) + "\"",
                          "none there" + listed(path), "Is the file of another model?");
        }
        report.missing.push_back(name);
        continue;
      }
      used_.insert(at);
      used_.insert(path + layer.impl().store_copy(i));
      arrays_.push_back(store_.open(at));
      const FileWeight& from = arrays_.back();
      if (!(from.data.shape() == own[i]->shape())) {
        const std::string text = store_.where() + ": weight \"" + name + "\": expected shape " + own[i]->shape().str() +
                                 ", received " + from.data.shape().str() + " (\"" + at + "\").";
        if (!options_.skip_mismatch) {
          throw FileError(text + " To leave such weights as they are: load_weights(path, {.skip_mismatch = true}).");
        }
        report.skipped.push_back(name);
        report.warnings.push_back("skipped: " + text);
        continue;
      }
      weights_.push_back({own[i]->name(), own[i]->shape(), variables.size()});
      variables.push_back(own[i]);
      matches.push_back({&from, &weights_.back(), name});
      report.loaded.push_back(name);
    }
  }

  // Private attributes have a '_' in front in some versions: "_query_dense/vars/0".
  GRAFT_COLD std::string find(const std::string& base, const std::string& rest) const {
    const std::size_t slash = rest.find('/');
    const std::string first = rest.substr(0, slash);
    for (const std::string& part : {first, "_" + first}) {
      if (slash == rest.npos) {
        if (store_.contains(base + part)) return base + part;
      } else if (store_.has_below(base + part + "/")) {
        std::string found = find(base + part + "/", rest.substr(slash + 1));
        if (!found.empty()) return found;
      }
    }
    return "";
  }

  // The key of every layer in a container; empty for a layer that the file does not have.
  GRAFT_COLD std::vector<std::string> keys_of(const std::vector<Layer<Scalar>>& layers, const std::string& container,
                                              bool outermost) const {
    std::vector<std::string> keys = graft::detail::store_keys(layers);
    const std::vector<std::string> in_file = store_.keys(container);
    if (options_.by_name && outermost) {
      for (std::size_t i = 0; i < layers.size(); ++i) {
        keys[i].clear();
        for (const std::string& key : in_file) {
          if (store_.layer_name(container + key) == layers[i].name()) keys[i] = key;
        }
      }
      return keys;
    }
    std::map<std::string, std::vector<std::size_t>> classes;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if (has_new_weights(layers[i])) classes[std::string(layers[i].class_name())].push_back(i);
    }
    for (const auto& [class_name, positions] : classes) {
      std::vector<std::string> found = of_class(in_file, graft::detail::store_word(class_name));
      if (found.empty()) found = of_class(in_file, text::to_snake_case(class_name));
      if (found.size() != positions.size()) continue;
      std::map<std::string, std::string> by_name;
      for (const std::string& key : found) by_name[store_.layer_name(container + key)] = key;
      bool named = by_name.size() == found.size(), direct = true;
      for (const std::size_t i : positions) {
        named = named && by_name.count(layers[i].name()) != 0;
        direct = direct && std::find(found.begin(), found.end(), keys[i]) != found.end();
      }
      for (std::size_t k = 0; k < positions.size(); ++k) {
        const std::size_t i = positions[k];
        if (named) keys[i] = by_name[layers[i].name()];
        else if (!direct) keys[i] = found[k];  // some versions count layers without weights twice
      }
    }
    return keys;
  }

  GRAFT_COLD bool has_new_weights(const Layer<Scalar>& layer) const {
    for (const auto& variable : layer.weights()) {
      if (seen_.count(variable.get()) == 0) return true;
    }
    return false;
  }

  // "dense", "dense_1", "dense_10" of the keys in a file, by number.
  GRAFT_COLD static std::vector<std::string> of_class(const std::vector<std::string>& keys, const std::string& word) {
    std::map<Index, std::string> numbered;
    for (const std::string& key : keys) {
      if (key == word) numbered[0] = key;
      if (key.size() <= word.size() + 1 || key.size() > word.size() + 10) continue;
      if (key.compare(0, word.size(), word) != 0 || key[word.size()] != '_') continue;
      const std::string digits = key.substr(word.size() + 1);
      if (digits.find_first_not_of("0123456789") == digits.npos) numbered[std::stol(digits)] = key;
    }
    std::vector<std::string> result;
    for (const auto& entry : numbered) result.push_back(entry.second);
    return result;
  }

  // Layers in the file that the model does not have.
  GRAFT_COLD void check_count(const std::vector<Layer<Scalar>>& layers, const std::vector<std::string>& keys,
                              const std::string& container) const {
    std::set<std::string> known(keys.begin(), keys.end());
    for (const std::string& key : graft::detail::store_keys(layers)) known.insert(key);
    for (const std::string& key : store_.keys(container)) {
      if (known.count(key) != 0) continue;
      fail<FileError>(store_.where() + ": Layer count mismatch", "only layers that the model has",
                      "\"" + container + key + "\"", "Is the file of another model?");
    }
  }

  GRAFT_COLD std::string listed(const std::string& path) const {
    std::string list;
    for (const std::string& array : store_.below(path)) {
      if (list.size() < 300) list += (list.empty() ? " (there are: " : ", ") + array;
    }
    return list.empty() ? list : list + ")";
  }

  const WeightStore& store_;
  LoadWeightsOptions options_;
  std::set<const void*> seen_;
  std::set<std::string> used_;
  std::deque<FileWeight> arrays_;
  std::deque<ModelWeight> weights_;
};

}  // namespace graft::keras
