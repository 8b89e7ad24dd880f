// graphile-worker: rows of PostgreSQL, polled for what is due and notified of what is new. Its own
// schedules are crontab lines of whole minutes, so a fire adds the next one first.

import { Logger, makeWorkerUtils, run } from "graphile-worker";

import { batches, inFlight, note, plan, play, ready, timed } from "./program.mjs";

const CONCURRENCY = 50;
const BATCH = 1000;

const connection = {
  connectionString: plan.store,
  maxPoolSize: CONCURRENCY + 2,
  logger: new Logger(() => (level, message) => {
    if (level === "error") console.error(message);
  }),
};

async function create() {
  const utils = await makeWorkerUtils(connection);
  await timed(async () => {
    if (!plan.bulk) {
      return inFlight((number, firstMs) =>
        utils.addJob("fire", { number, nominalMs: firstMs }, { runAt: new Date(firstMs) }),
      );
    }
    for (const batch of batches(BATCH)) {
      await utils.addJobs(
        batch.map(([number, firstMs]) => ({
          identifier: "fire",
          payload: { number, nominalMs: firstMs },
          runAt: new Date(firstMs),
        })),
      );
    }
  });
}

async function work() {
  const worker = {
    // Its guide on performance: fetch and complete in batches.
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  };
  await run({
    ...connection,
    preset: { worker },
    concurrency: CONCURRENCY,
    pollInterval: plan.poll_ms,
    noHandleSignals: true,
    taskList: {
      async fire({ number, nominalMs }, { addJob }) {
        note(number, nominalMs);
        if (plan.every_ms === null) return;
        const following = nominalMs + plan.every_ms;
        await addJob("fire", { number, nominalMs: following }, { runAt: new Date(following) });
      },
    },
  });
  ready();
}

await play({ create, work });
