// libFuzzer: the text of a model_config, of any Keras, to a model. Only graft's own errors may come out.

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first byte chooses whose words they are.
  if (size == 0) return 0;
  const graft::keras::Generation generations[] = {graft::keras::Generation::keras1, graft::keras::Generation::keras2,
                                                  graft::keras::Generation::keras3};
  const auto generation = data[0] == '{' ? graft::keras::Generation::keras2 : generations[data[0] % 3];
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (data[0] != '{') text.remove_prefix(1);
  try {
    std::vector<std::string> warnings;
    const graft::Config raw = graft::json::parse(text);
    const graft::Config config = graft::keras::ModelConfigReader(generation, false, warnings).read(raw);
    const graft::WeightBudget budget(1 << 22);
    const auto model = graft::Model<float>::from_config(config);
    (void)graft::json::dump(model.impl().config());
  } catch (const graft::Error&) {
  }
  return 0;
}
