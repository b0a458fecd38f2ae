// An array that grows and shrinks at its end and never moves what it holds.
#ifndef SLUICE_BACKEND_MEMORY_SEGMENTED_ARRAY_H_
#define SLUICE_BACKEND_MEMORY_SEGMENTED_ARRAY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sluice {

// Rows of `width` values each, in segments of equal size: room for one more row costs at most one
// allocation of one segment, however large the array is. Not thread-safe.
template <class T>
class SegmentedArray {
 public:
  explicit SegmentedArray(size_t width = 1) : width_(width) {}

  uint32_t size() const { return size_; }
  T* operator[](uint32_t row) { return segments_[row / kRows].get() + row % kRows * width_; }
  const T* operator[](uint32_t row) const {
    return segments_[row / kRows].get() + row % kRows * width_;
  }

  // The new row's values are indeterminate.
  void Append() {
    if (size_ == segments_.size() * kRows) {
      segments_.push_back(std::make_unique_for_overwrite<T[]>(kRows * width_));
    }
    ++size_;
  }

  void RemoveLast() {
    --size_;
    // One spare segment stays, so that a size that swings around its end allocates nothing.
    if (size_ + 2 * kRows <= segments_.size() * kRows) segments_.pop_back();
  }

  int64_t bytes() const {
    return static_cast<int64_t>(segments_.size() * kRows * width_ * sizeof(T) +
                                segments_.capacity() * sizeof(segments_[0]));
  }

 private:
  static constexpr uint32_t kRows = 128;

  const size_t width_;
  uint32_t size_ = 0;
  std::vector<std::unique_ptr<T[]>> segments_;
};

}  // namespace sluice

#endif  // SLUICE_BACKEND_MEMORY_SEGMENTED_ARRAY_H_
