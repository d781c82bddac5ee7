#pragma once

#include <zlib.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "graft/io/atomic_file.hpp"

namespace graft::zip {

/// Writes an archive of stored members, all of them of the first of January 1980, so that the same content makes the
/// same bytes. A large member is written by somebody else straight into the file: begin says where, end what came out.
class Writer {
 public:
  /// Into the temporary file of `target`, which the caller commits. Throws FileError.
  GRAFT_COLD explicit Writer(const AtomicFile& target) : target_(target) {
    file_ = std::fopen(target.temporary().c_str(), "r+b");
    if (!file_) target_.fail_with("open what is to be written", errno);
  }
  ~Writer() {
    if (file_) std::fclose(file_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  GRAFT_COLD void add(const std::string& name, const std::string& bytes) {
    (void)begin(name, false);
    put(bytes);
    end();
  }

  /// Starts a member; returns the place of its first byte. `large`: it may have 4 GiB or more.
  GRAFT_COLD Index begin(const std::string& name, bool large) {
    members_.push_back({name, size(), 0, 0, large});
    put(std::string(static_cast<std::size_t>(header_bytes(members_.back())), '\0'));
    if (std::fflush(file_) != 0) target_.fail_with("write", errno);
    return size();
  }

  /// Ends the member: all that was written since begin.
  GRAFT_COLD void end() {
    if (std::fflush(file_) != 0) target_.fail_with("write", errno);
    Member& member = members_.back();
    const Index first = member.offset + header_bytes(member);
    member.size = size() - first;
    member.checksum = checksum(first, member.size);
    if (member.size >= kLarge && !member.large) {
      fail<FileError>(target_.where(), "less than 4 GiB", std::to_string(member.size) + " bytes");
    }
    seek(member.offset);
    put(local_header(member));
    seek(-1);
  }

  /// Writes the list of members and closes.
  GRAFT_COLD void finish() {
    const Index first = size();
    for (const Member& member : members_) put(central_header(member));
    const Index bytes = size() - first;
    if (first >= kLarge) put(large_end(first, bytes));
    std::string out = number(0x06054b50, 4) + number(0, 4);
    for (int i = 0; i < 2; ++i) out += number(static_cast<Index>(members_.size()), 2);
    put(out + number(bytes, 4) + number(std::min(first, kLarge), 4) + number(0, 2));
    std::FILE* file = std::exchange(file_, nullptr);
    if (std::fclose(file) != 0) target_.fail_with("write", errno);
  }

 private:
  struct Member {
    std::string name;
    Index offset, size;
    unsigned long checksum;
    bool large;
  };
  static constexpr Index kLarge = 0xFFFFFFFF;
  static constexpr Index kDate = 1 << 5 | 1;  // years since 1980, month, day

  static Index header_bytes(const Member& member) {
    return 30 + static_cast<Index>(member.name.size()) + (member.large ? 20 : 0);
  }

  GRAFT_COLD static std::string number(Index value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
    return out;
  }

  // Version needed, flags, method (stored), time, date, checksum, both sizes, length of the name, length of the extra.
  GRAFT_COLD static std::string common(const Member& member) {
    const Index shown = member.large ? kLarge : member.size;
    return number(member.large ? 45 : 20, 2) + number(0, 2) + number(0, 2) + number(0, 2) + number(kDate, 2) +
           number(static_cast<Index>(member.checksum), 4) + number(shown, 4) + number(shown, 4) +
           number(static_cast<Index>(member.name.size()), 2) + number(member.large ? 20 : 0, 2);
  }
  GRAFT_COLD static std::string extra(const Member& member) {
    if (!member.large) return "";
    return number(1, 2) + number(16, 2) + number(member.size, 8) + number(member.size, 8);
  }
  GRAFT_COLD static std::string local_header(const Member& member) {
    return number(0x04034b50, 4) + common(member) + member.name + extra(member);
  }
  GRAFT_COLD static std::string central_header(const Member& member) {
    const Index kUnix = 3, kOwnerReadsAndWrites = 0600;
    return number(0x02014b50, 4) + number(kUnix << 8 | 20, 2) + common(member) + number(0, 2) + number(0, 2) +
           number(0, 2) + number(kOwnerReadsAndWrites << 16, 4) + number(member.offset, 4) + member.name +
           extra(member);
  }
  // Of an archive whose list begins behind 4 GiB.
  GRAFT_COLD std::string large_end(Index first, Index bytes) const {
    const auto count = static_cast<Index>(members_.size());
    return number(0x06064b50, 4) + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 4) + number(0, 4) +
           number(count, 8) + number(count, 8) + number(bytes, 8) + number(first, 8) +  //
           number(0x07064b50, 4) + number(0, 4) + number(first + bytes, 8) + number(1, 4);
  }

  GRAFT_COLD void put(const std::string& bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) target_.fail_with("write", errno);
  }
  // A negative place is the end.
  GRAFT_COLD void seek(Index place) {
    const int result = place < 0 ? ::fseeko(file_, 0, SEEK_END) : ::fseeko(file_, static_cast<off_t>(place), SEEK_SET);
    if (result != 0) target_.fail_with("write", errno);
  }
  GRAFT_COLD Index size() {
    seek(-1);
    return static_cast<Index>(::ftello(file_));
  }
  GRAFT_COLD unsigned long checksum(Index first, Index bytes) {
    seek(first);
    std::vector<unsigned char> buffer(std::size_t{1} << 20);
    unsigned long sum = ::crc32(0, nullptr, 0);
    while (bytes > 0) {
      const auto wanted = static_cast<std::size_t>(std::min(bytes, static_cast<Index>(buffer.size())));
      if (std::fread(buffer.data(), 1, wanted, file_) != wanted) target_.fail_with("read what was written", errno);
      sum = ::crc32(sum, buffer.data(), static_cast<unsigned>(wanted));
      bytes -= static_cast<Index>(wanted);
    }
    return sum;
  }

  const AtomicFile& target_;
  std::FILE* file_ = nullptr;
  std::vector<Member> members_;
};

}  // namespace graft::zip
