import { dataFaults } from "./data_faults.ts";
import type { Fault } from "./fault.ts";
import { machineFaults } from "./machine_faults.ts";
import { memberFaults } from "./member_faults.ts";
import { networkFaults } from "./network_faults.ts";
import { processFaults } from "./process_faults.ts";
import type { FaultName } from "./schedule.ts";

/** All that is done to a cluster, by name. */
export const faults: Readonly<Record<FaultName, Fault>> = {
  ...processFaults,
  ...networkFaults,
  ...machineFaults,
  ...memberFaults,
  ...dataFaults,
};

/** Those that need a machine of our own making. */
export const madeByMachines = Object.keys(machineFaults) as (keyof typeof machineFaults)[];
