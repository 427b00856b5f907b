#include "collective/torus_parameters.hpp"

#include "collective/reading.hpp"

namespace orrery::collective {
namespace {

TorusScaleUp read_torus_scale_up(Reader reader) {
  TorusScaleUp up;
  up.launch = reader.positive<Seconds>("launch");
  up.hop = reader.positive<Seconds>("hop");
  up.efficiency = reader.ratio("efficiency", 0.01, 1.0);
  up.caveat = reader.text_or("caveat", "");
  finish(reader);
  return up;
}

TorusScaleOut read_torus_scale_out(Reader reader) {
  TorusScaleOut out;
  out.hop = reader.positive<Seconds>("hop");
  out.efficiency = reader.ratio("efficiency", 0.01, 1.0);
  out.caveat = reader.text_or("caveat", "");
  finish(reader);
  return out;
}

}  // namespace

TorusParameters TorusParameters::read(Reader& reader) {
  TorusParameters parameters;
  parameters.where = reader.where();
  reader.ignore("model");
  parameters.scale_up = read_torus_scale_up(reader.child("scale_up"));
  if (reader.has("scale_out"))
    parameters.scale_out = read_torus_scale_out(reader.child("scale_out"));
  finish(reader);
  return parameters;
}

}  // namespace orrery::collective
