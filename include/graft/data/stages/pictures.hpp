#pragma once

#include "graft/data/pictures/decode_picture.hpp"
#include "graft/data/pictures/picture_index.hpp"
#include "graft/data/pictures/resize_picture.hpp"

namespace graft::detail {

/// Pictures in files, decoded and resized when they are asked for.
template <class Scalar>
class PictureSource final : public DatasetSource<Scalar> {
 public:
  enum class Labels { none, integer, binary, categorical };

  PictureSource(std::vector<PictureIndex::Entry> entries, Labels labels, Index classes, PictureResizer resizer,
                DecodeRequest request)
      : DatasetSource<Scalar>(static_cast<Index>(entries.size())),
        entries_(std::move(entries)),
        labels_(labels),
        classes_(classes),
        resizer_(std::move(resizer)),
        request_(request) {}

 protected:
  void read(Index position, DatasetWork& work, Batch<Scalar>& out) const override {
    const PictureIndex::Entry& entry = entries_[static_cast<std::size_t>(position)];
    Work& mine = work.of<Work>(this);
    read_file_bytes(entry.path, kMaxFileBytes, mine.bytes);
    mine.where.assign("\"").append(entry.path).append("\"");
    decode_picture(mine.where, mine.bytes, request_, mine.picture);
    out.x.resize(1);
    ensure_shape(out.x[0], Shape{resizer_.height(), resizer_.width(), request_.channels});
    resizer_(mine.picture, out.x[0].data(), mine.padded);
    if (labels_ == Labels::none) return out.y.clear();
    out.y.resize(1);
    const auto label = static_cast<Scalar>(entry.label);
    switch (labels_) {
      case Labels::categorical:
        ensure_shape(out.y[0], Shape{classes_});
        out.y[0].fill(Scalar(0));
        out.y[0][entry.label] = Scalar(1);
        break;
      case Labels::binary:
        ensure_shape(out.y[0], Shape{1});
        out.y[0][0] = label;
        break;
      default: ensure_shape(out.y[0], Shape{}); out.y[0][0] = label;
    }
  }

 private:
  struct Work {
    std::vector<std::uint8_t> bytes;
    std::string where;
    DecodedPicture picture, padded;
  };

  std::vector<PictureIndex::Entry> entries_;
  Labels labels_;
  Index classes_;
  PictureResizer resizer_;
  DecodeRequest request_;
};

}  // namespace graft::detail
