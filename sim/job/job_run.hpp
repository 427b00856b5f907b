#pragma once
/// A job over hours or days.

#include "job/job_environment.hpp"
#include "job/ledger.hpp"

namespace orrery {

/// Follows the job of `inputs` on `environment`, which is settled in its work, from its start to
/// its horizon, or to where it has to stop. Fills report.job, the energies, the means and peaks of
/// power and temperature, and job_series.
void run_job(const OperationInputs& inputs, JobEnvironment& environment, OperationReport& report);

}  // namespace orrery
