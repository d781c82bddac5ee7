#pragma once

#include <cstring>

#include "graft/data/pictures/file_bytes.hpp"
#include "graft/data/pictures/jpeg.hpp"
#include "graft/data/pictures/png.hpp"

namespace graft::detail {

/// What a picture is by its first bytes; the name of a file may lie.
enum class PictureKind { jpeg, png, other };

struct KnownPicture {
  PictureKind kind;
  const char* name;
  std::size_t at;
  const char* bytes;
  std::size_t count;
};

GRAFT_COLD inline PictureKind picture_kind(const std::string& where, std::span<const std::uint8_t> bytes) {
  static constexpr KnownPicture kKnown[] = {
      {PictureKind::jpeg, "JPEG", 0, "\xFF\xD8\xFF", 3}, {PictureKind::png, "PNG", 0, "\x89PNG\r\n\x1A\n", 8},
      {PictureKind::other, "GIF", 0, "GIF8", 4},         {PictureKind::other, "BMP", 0, "BM", 2},
      {PictureKind::other, "WebP", 8, "WEBP", 4},        {PictureKind::other, "TIFF", 0, "II*\0", 4},
      {PictureKind::other, "TIFF", 0, "MM\0*", 4},       {PictureKind::other, "HEIC or AVIF", 4, "ftyp", 4},
  };
  if (bytes.empty()) fail<FileError>(where, "a picture", "no bytes at all");
  for (const KnownPicture& known : kKnown) {
    if (bytes.size() < known.at + known.count) continue;
    if (std::memcmp(bytes.data() + known.at, known.bytes, known.count) != 0) continue;
    if (known.kind != PictureKind::other) return known.kind;
    fail<FileError>(where, "a JPEG or PNG picture", std::string("a ") + known.name + " picture",
                    "graft decodes no others: convert it.");
  }
  fail<FileError>(where, "a JPEG or PNG picture", "bytes of another kind");
}

/// Decodes a picture of any kind that graft knows. Throws FileError.
GRAFT_COLD inline void decode_picture(const std::string& where, std::span<const std::uint8_t> bytes,
                                      const DecodeRequest& request, DecodedPicture& picture) {
  if (picture_kind(where, bytes) == PictureKind::jpeg) decode_jpeg(where, bytes, request, picture);
  else decode_png(where, bytes, request, picture);
}

}  // namespace graft::detail
