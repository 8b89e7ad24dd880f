// BullMQ: delayed entries in Valkey, recurring ones by its own job schedulers.

import { Queue, Worker } from "bullmq";

import { batches, inFlight, note, plan, play, ready, timed } from "./program.mjs";

const QUEUE = "fires";
const CONCURRENCY = 100;
const BATCH = 1000;
const FORGET = { removeOnComplete: true, removeOnFail: true };

const { hostname, port } = new URL(plan.store);
const connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null };

function once(number, firstMs) {
  const delay = Math.max(0, firstMs - Date.now());
  return { name: "fire", data: { number, nominalMs: firstMs }, opts: { ...FORGET, delay } };
}

async function create() {
  const queue = new Queue(QUEUE, { connection });
  await queue.waitUntilReady();
  await timed(async () => {
    if (plan.every_ms !== null) {
      await inFlight((number, firstMs) =>
        queue.upsertJobScheduler(
          String(number),
          { every: plan.every_ms, startDate: firstMs },
          { name: "fire", data: { number }, opts: FORGET },
        ),
      );
    } else if (plan.bulk) {
      for (const batch of batches(BATCH)) await queue.addBulk(batch.map((one) => once(...one)));
    } else {
      await inFlight((number, firstMs) => {
        const { name, data, opts } = once(number, firstMs);
        return queue.add(name, data, opts);
      });
    }
  });
}

async function work() {
  const worker = new Worker(
    QUEUE,
    async ({ id, data: { number, nominalMs } }) => {
      // The id of a scheduler's fire ends in its instant.
      note(number, nominalMs ?? Number(id.split(":").at(-1)));
    },
    { connection, concurrency: CONCURRENCY },
  );
  worker.on("error", (error) => console.error(error));
  await worker.waitUntilReady();
  ready();
}

await play({ create, work });
