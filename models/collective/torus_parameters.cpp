#include "collective/torus_parameters.hpp"

namespace orrery::collective {
namespace {

using namespace schema;
constexpr Between kTorusShare = between(0.01, 1.0);

const Schema<TorusScaleUp>& torus_scale_up_schema() {
  using U = TorusScaleUp;
  static const Schema<U> result(
      "scale_up",
      {required("launch", &U::launch, positive, "[t0] of a collective"),
       required("hop", &U::hop, positive, "[h] from device to neighbour, software included"),
       required("efficiency", &U::efficiency, kTorusShare, "[e] of a link's rate"),
       optional("caveat", &U::caveat, "what is estimated; printed with every result")});
  return result;
}

const Schema<TorusScaleOut>& torus_scale_out_schema() {
  using O = TorusScaleOut;
  static const Schema<O> result(
      "scale_out",
      {required("hop", &O::hop, positive,
                "[h_o] from device through host and network to a device of the next slice"),
       required("efficiency", &O::efficiency, kTorusShare, "[e_o] of a device's part of the NICs"),
       optional("caveat", &O::caveat, "what is estimated; printed with every result")});
  return result;
}

}  // namespace

const Schema<TorusParameters>& TorusParameters::schema() {
  using P = TorusParameters;
  static const Schema<P> result(
      "collective.torus",
      {required("scale_up", &P::scale_up, &torus_scale_up_schema(), "links of a slice"),
       optional("scale_out", &P::scale_out, &torus_scale_out_schema(), "between slices")});
  return result;
}

TorusParameters TorusParameters::read(Reader& reader) {
  reader.ignore("model");
  TorusParameters parameters = schema().read(reader);
  parameters.where = reader.where();
  return parameters;
}

}  // namespace orrery::collective
