#pragma once

// JSON text as Python reads and writes it, to and from Config. A reader of our own, because instantiating nlohmann's
// parser costs every file that includes graft.hpp more than three seconds; the tests compare the two.
#include "graft/io/json/reader.hpp"
#include "graft/io/json/writer.hpp"
