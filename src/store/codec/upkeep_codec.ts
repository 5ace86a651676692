import { type ByteReader, type ByteWriter, FormatError } from "../../base/bytes.ts";
import type { UpkeepCommand, UpkeepStep, UpkeepTask } from "../types.ts";

const taskNumbers: Readonly<Record<UpkeepTask, number>> = {
  vacuum: 1,
  optimize: 2,
  scrub: 3,
};

const stepNumbers: Readonly<Record<UpkeepStep, number>> = {
  begin: 0,
  vacuum: 1,
  vacuum_to_incremental: 2,
  incremental_vacuum: 3,
  optimize: 4,
  scrub: 5,
};

export const upkeepTasks = Object.keys(taskNumbers) as readonly UpkeepTask[];
const steps = Object.keys(stepNumbers) as readonly UpkeepStep[];

/** The number of a task in the log and in the table of apply/upkeep_table.ts. */
export function upkeepTaskNumber(task: UpkeepTask): number {
  return taskNumbers[task];
}

export function writeUpkeep(writer: ByteWriter, command: UpkeepCommand): void {
  writer.uint8(taskNumbers[command.task]);
  writer.uint8(stepNumbers[command.step]);
  writer.uint8(command.last ? 1 : 0);
  writer.uint32(command.pages);
  writer.integer(command.after);
}

export function readUpkeep(reader: ByteReader): Omit<UpkeepCommand, "request"> {
  const taskNumber = reader.uint8();
  const stepNumber = reader.uint8();
  const task = upkeepTasks.find((name) => taskNumbers[name] === taskNumber);
  const step = steps.find((name) => stepNumbers[name] === stepNumber);
  if (task === undefined || step === undefined) {
    throw new FormatError(`Unknown upkeep: step ${stepNumber} of task ${taskNumber}`);
  }
  const last = reader.uint8() !== 0;
  return { type: "upkeep", task, step, last, pages: reader.uint32(), after: reader.integer() };
}
