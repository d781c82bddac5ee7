#pragma once

#include <cmath>

#include "graft/io/file_kind.hpp"
#include "graft/io/json.hpp"
#include "graft/io/keras/model_source.hpp"

namespace graft::keras {

namespace detail {

/// The name of a file beside another one. Throws FileError for one that leads elsewhere.
GRAFT_COLD inline std::string beside(const std::string& path, const std::string& name, const std::string& where) {
  const bool plain = !name.empty() && name[0] != '.' && name.find_first_of("/\\:") == name.npos &&
                     name.find('\0') == name.npos && name.size() < 256;
  if (!plain) {
    fail<FileError>(where, "names of files beside it", "\"" + name.substr(0, 80) + "\"",
                    "Files elsewhere are not read.");
  }
  const std::size_t slash = path.rfind('/');
  return (slash == path.npos ? "" : path.substr(0, slash + 1)) + name;
}

GRAFT_COLD inline double half_to_double(unsigned bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const double fraction = static_cast<double>(bits & 1023) / 1024, sign = bits >> 15 ? -1 : 1;
  if (exponent == 31) return fraction == 0 ? sign * HUGE_VAL : std::nan("");
  return sign * (exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15));
}

}  // namespace detail

/// A TensorFlow.js layers model: model.json with the architecture and the list of weights, whose numbers are in files
/// beside it, perhaps quantised to uint8, uint16 or float16.
class TfjsModel {
 public:
  /// `json` is the content of `path`. Throws FileError.
  GRAFT_COLD TfjsModel(const std::string& path, Config json)
      : where_("\"" + path + "\""), path_(path), json_(std::move(json)) {
    const Config* topology = json_.find_set("modelTopology");
    const std::string format = json_.get("format", "layers-model");
    if (!topology || format == "graph-model" || topology->contains("node")) {
      fail<FileError>(where_, "a TensorFlow.js layers model", topology ? "a graph model" : "other JSON",
                      topology ? "A graph model has no layers any more. Convert the Keras file itself." : "");
    }
    topology_ = *topology;
  }

  const std::string& where() const { return where_; }

  GRAFT_COLD ModelSource source() const {
    ModelSource source;
    source.where = where_;
    const Config* inner = topology_.find_set("model_config");
    source.model_config = inner ? *inner : topology_;
    source.keras_version = topology_.get("keras_version", "");
    // TensorFlow.js follows tf.keras 2: "tfjs-layers 4.17.0".
    if (source.keras_version.find("tfjs") != std::string::npos) source.generation = Generation::keras2;
    else source.generation = generation_of(source.keras_version, source.model_config);
    for (const Config& group : manifest()) {
      for (const Config& name : group.at("paths").items("paths")) {
        source.bytes += graft::detail::FileHead(shard(name), where_, "weights").size;
      }
    }
    const Config* training = topology_.find_set("training_config");
    if (!training) training = json_.find_set("trainingConfig");
    if (training) source.training_config = *training;
    return source;
  }

  /// All weights, as one group. Throws FileError.
  GRAFT_COLD FileGroup weights(const std::string& name) const {
    FileGroup result{name, {}};
    for (const Config& group : manifest()) {
      const std::shared_ptr<const hdf5::Image> bytes = read(group);
      Index offset = 0;
      for (const Config& entry : group.at("weights").items("weights")) {
        FileWeight weight = weight_of(entry, bytes, offset);
        if (entry.get("group", "model") == "model") result.weights.push_back(std::move(weight));
      }
      if (offset != static_cast<Index>(bytes->size())) {
        fail<FileError>(where_, std::to_string(offset) + " bytes of weights", std::to_string(bytes->size()),
                        "A file with weights is damaged, or of another model.");
      }
    }
    return result;
  }

 private:
  static constexpr Index kMaxBytes = Index{1} << 40;

  const std::vector<Config>& manifest() const {
    static const std::vector<Config> none;
    const Config* list = json_.find_set("weightsManifest");
    return list ? list->items("weightsManifest") : none;
  }
  GRAFT_COLD std::string shard(const Config& name) const {
    return detail::beside(path_, name.as_string("paths"), where_ + ", weightsManifest");
  }

  // The shards of a group, one behind the other.
  GRAFT_COLD std::shared_ptr<const hdf5::Image> read(const Config& group) const {
    std::vector<std::pair<std::string, std::size_t>> shards;
    std::size_t total = 0;
    for (const Config& name : group.at("paths").items("paths")) {
      const std::string path = shard(name);
      const auto size = static_cast<std::size_t>(graft::detail::FileHead(path, "\"" + path + "\"", "weights").size);
      shards.emplace_back(path, size);
      total += size;
    }
    auto image = std::make_shared<hdf5::Image>(total);
    std::size_t done = 0;
    for (const auto& [path, size] : shards) {
      std::FILE* file = std::fopen(path.c_str(), "rb");
      const std::size_t got = file ? std::fread(image->data() + done, 1, size, file) : 0;
      if (file) std::fclose(file);
      if (got != size) fail<FileError>("\"" + path + "\"", std::to_string(size) + " bytes", std::to_string(got));
      done += size;
    }
    return image;
  }

  GRAFT_COLD FileWeight weight_of(const Config& entry, const std::shared_ptr<const hdf5::Image>& bytes,
                                  Index& offset) const {
    const std::string& name = entry.at("name").as_string("name");
    const std::string place = where_ + ", weight \"" + name + "\"";
    Shape shape;
    for (const Config& dim : entry.at("shape").items("shape")) {
      const Index size = dim.as_int("shape");
      if (size < 0 || size > kMaxBytes || shape.rank() == Shape::kMaxRank ||
          (size > 0 && shape.elements() > kMaxBytes / size)) {
        fail<FileError>(place, "a shape of at most 8 dimensions that fits in memory", std::to_string(size));
      }
      shape.push_back(size);
    }
    const std::string& dtype = entry.at("dtype").as_string("dtype");
    const Config* quantization = entry.find_set("quantization");
    const std::string stored = quantization ? quantization->at("dtype").as_string("quantization") : dtype;
    const Index width = width_of(stored);
    if (width == 0) fail<FileError>(place, "float32, int32, bool, float16, uint8 or uint16", "\"" + stored + "\"");
    const Index size = shape.elements() * width, first = offset;
    if (size > static_cast<Index>(bytes->size()) - offset) {
      fail<FileError>(place, std::to_string(size) + " bytes",
                      std::to_string(static_cast<Index>(bytes->size()) - offset), "A file with weights is too short.");
    }
    offset += size;
    const bool scaled = quantization && stored != "float16", whole = dtype != "float32";
    const double scale = scaled ? quantization->get("scale", 1.0) : 1,
                 least = scaled ? quantization->get("min", 0.0) : 0;
    PackedNumbers numbers{shape, place, {}};
    numbers.unpack = [bytes, first, stored, width, scale, least, scaled, whole](Index i) {
      const double value = number_at(stored, bytes->data() + first + i * width);
      if (!scaled) return value;
      // As TensorFlow.js computes it: in single precision.
      const double number = static_cast<double>(static_cast<float>(value * scale + least));
      return whole ? std::round(number) : number;
    };
    return {name, FileArray(std::move(numbers))};
  }

  GRAFT_COLD static Index width_of(const std::string& dtype) {
    if (dtype == "float32" || dtype == "int32") return 4;
    if (dtype == "float16" || dtype == "uint16") return 2;
    return dtype == "uint8" || dtype == "bool" ? 1 : 0;
  }

  // Numbers are little-endian.
  static double number_at(const std::string& dtype, const char* bytes) {
    unsigned bits = 0;
    const Index width = dtype[0] == 'b' || dtype == "uint8" ? 1 : dtype == "float16" || dtype == "uint16" ? 2 : 4;
    for (Index i = width; i-- > 0;) bits = bits << 8 | static_cast<unsigned char>(bytes[i]);
    if (dtype == "float16") return detail::half_to_double(bits);
    if (dtype == "int32") return static_cast<double>(static_cast<std::int32_t>(bits));
    if (dtype != "float32") return bits;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return static_cast<double>(value);
  }

  std::string where_, path_;
  Config json_, topology_;
};

}  // namespace graft::keras
