#include "graft/metrics/confusion_matrix.hpp"

#include "tests/support/catch.hpp"

using namespace graft;

namespace {

std::vector<float> values(const Tensor<float>& counts) { return {counts.begin(), counts.end()}; }

}  // namespace

TEST_CASE("confusion_matrix: rows are true classes, columns predicted ones") {
  const Tensor<float> scores({4, 3}, {.1F, .2F, .7F, .9F, 0, .1F, .3F, .4F, .3F, .2F, .1F, .7F});
  CHECK(values(confusion_matrix(std::vector<int>{2, 0, 0, 1}, scores, 3)) ==
        std::vector<float>{1, 1, 0, 0, 0, 1, 0, 0, 1});
  const Tensor<float> one_hot({4, 3}, {0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0});
  CHECK(values(confusion_matrix(one_hot, scores, 3)) == std::vector<float>{1, 1, 0, 0, 0, 1, 0, 0, 1});
  CHECK(values(confusion_matrix(std::vector<int>{1, 1, 0}, Tensor<float>({3, 1}, {.6F, .5F, .7F}), 2)) ==
        std::vector<float>{0, 1, 1, 1});
  CHECK_THROWS_AS(confusion_matrix(std::vector<int>{0, 3, 0, 0}, scores, 3), DataError);
  CHECK_THROWS_AS(confusion_matrix(std::vector<int>{0, -1, 0, 0}, scores, 3), DataError);
  CHECK_THROWS_AS(confusion_matrix(std::vector<int>{0, 1}, scores, 3), ShapeError);
  CHECK_THROWS_AS(confusion_matrix(std::vector<int>{0, 1, 1, 0}, scores, 4), ShapeError);
}
