/**
 * Ports for what a test starts, so that no two get the same: neither two tests of one process, nor
 * two processes, nor a test and an outgoing connection that the system gives a port. To bind port
 * 0, let go and use what came gives that to nobody; who can keep what port 0 gave needs none of this.
 */

/** Below what systems give outgoing connections (Linux from 32768, others from 49152). */
const portMin = 10_240;
const portMax = 32_767;
/** What one worker of a test run has to itself at a time: more than a file of tests uses. */
const blockPorts = 128;
const blockCount = Math.floor((portMax + 1 - portMin) / blockPorts);

/** Ports in a row that only this module, in its own thread, hands out. */
interface Block {
  /** Listens on the first one for as long as the thread lives, which is how others see it taken. */
  readonly claim: Deno.TcpListener;
  readonly ports: readonly number[];
}

const block = claimBlock();
let next = 0;

/**
 * A port on which nothing listens. It comes again after as many others as the block has: by then
 * the test that had it is over, or holds it still, which is seen.
 */
export function takePort(): number {
  for (let tried = 0; tried < block.ports.length; tried++) {
    const port = block.ports[next++ % block.ports.length];
    if (port !== undefined && isFree(port)) return port;
  }
  throw new Error(`All ports from ${block.ports[0]} to ${block.ports.at(-1)} are in use`);
}

function claimBlock(): Block {
  // Each begins somewhere else: what is left of an earlier run shall not meet this one.
  const first = Math.floor(Math.random() * blockCount);
  for (let i = 0; i < blockCount; i++) {
    const start = portMin + (first + i) % blockCount * blockPorts;
    const claim = listen(start);
    if (claim === undefined) continue;
    // Nobody connects to it: it is not to keep the process.
    claim.unref();
    return { claim, ports: Array.from({ length: blockPorts - 1 }, (_, i) => start + 1 + i) };
  }
  throw new Error(`No ${blockPorts} ports in a row are left from ${portMin} to ${portMax}`);
}

function isFree(port: number): boolean {
  const listener = listen(port);
  listener?.close();
  return listener !== undefined;
}

/** Undefined when the port is in use. */
function listen(port: number): Deno.TcpListener | undefined {
  try {
    // On all addresses, for so do some of those that tests start.
    return Deno.listen({ hostname: "0.0.0.0", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    throw error;
  }
}
