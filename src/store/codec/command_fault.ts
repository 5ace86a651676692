import { ByteReader, FormatError } from "../../base/bytes.ts";
import { CommandType, readHead, verifyCommand } from "./command_codec.ts";
import { passSteps } from "./script_codec.ts";
import { passStatements } from "./statement_codec.ts";
import { readUpkeep } from "./upkeep_codec.ts";

/**
 * What is wrong with bytes that should be a command; undefined when nothing is. As
 * {@linkcode decodeCommand}, but makes nothing of them.
 */
export function commandFault(bytes: Uint8Array): string | undefined {
  try {
    verifyCommand(bytes);
    const reader = new ByteReader(bytes, 4);
    passBody(reader, readHead(reader).type);
    reader.end();
    return undefined;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error.message;
  }
}

function passBody(reader: ByteReader, type: number): void {
  switch (type) {
    case CommandType.execute:
    case CommandType.load_sql:
      reader.uint32();
      passStatements(reader);
      break;
    case CommandType.load_chunk:
      reader.uint64();
      reader.integer();
      reader.bytes();
      break;
    case CommandType.load_commit:
      reader.uint64();
      reader.integer();
      reader.uint32();
      break;
    case CommandType.load_abort:
      reader.uint64();
      break;
    case CommandType.script:
      passSteps(reader);
      break;
    case CommandType.upkeep:
      readUpkeep(reader);
      break;
    case CommandType.changes_cursor:
      reader.integer();
      break;
    default:
      throw new FormatError(`Unknown command type ${type}`);
  }
}
