// What the Node peers' programs share: the plan, the file of fires, and what they tell the bench.
// The counterpart of ../peers/__main__.py, saying.py and ../fires.py; one protocol for both.
//   node PEER.mjs create|work PLAN

import { openSync, readFileSync, writeSync } from "node:fs";

// As many creations as the platform's own client has in flight.
const IN_FLIGHT = 64;

const [role, path] = process.argv.slice(2);
export const plan = JSON.parse(readFileSync(path, "ascii"));

const file = openSync(plan.fires, "a");

// Called first thing in a fire's handler. performance.now() has microseconds, Date.now() has not.
export function note(number, nominalMs) {
  const atUs = Math.round((performance.timeOrigin + performance.now()) * 1000);
  const line = [pad(number, 8), pad(nominalMs, 13), pad(atUs, 16)].join(" ");
  writeSync(file, `${line}\n`);
}

function pad(value, width) {
  return String(value).padStart(width, "0");
}

export function ready() {
  console.log("ready");
}

// Says how long `create` took; connecting is the caller's, before it.
export async function timed(create) {
  const started = performance.now();
  await create();
  console.log(`created ${((performance.now() - started) / 1000).toFixed(6)}`);
}

// create(number, firstMs) of each, IN_FLIGHT at a time.
export async function inFlight(create) {
  const waiting = plan.firsts_ms.entries();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const [number, firstMs] of waiting) await create(number, firstMs);
    }),
  );
}

// Slices of [number, firstMs] for calls that create many at once.
export function* batches(size) {
  const entries = [...plan.firsts_ms.entries()];
  for (let start = 0; start < entries.length; start += size) yield entries.slice(start, start + size);
}

// Runs the part that was asked for; a client ends with it, a worker stays.
export async function play({ create, work }) {
  if (role === "work") return work();
  await create();
  process.exit(0);
}
