#pragma once
/// Buildings: constant supplies, air-cooled rooms, coolant loops.

#include <memory>

#include <orrery/cooling.hpp>
#include <orrery/field.hpp>
#include <orrery/reader.hpp>

namespace orrery::cooling {

/// `plant.constant`: air and liquid at given temperatures, at a given cost.
std::unique_ptr<const Plant> make_constant_plant(Reader& reader);
/// `plant.air`: one chain for the air of the room.
std::unique_ptr<const Plant> make_air_plant(Reader& reader);
/// `plant.liquid`: one for the coolant of plates or tanks, and one (`air`) for what is left in the
/// room.
std::unique_ptr<const Plant> make_liquid_plant(Reader& reader);

/// The keys that they read.
const Table& constant_plant_table();
const Table& air_plant_table();
const Table& liquid_plant_table();

}  // namespace orrery::cooling
