// pg-boss: rows of PostgreSQL, polled. Its own schedules are cron lines of whole minutes, so a fire
// sends the next one first.

import PgBoss from "pg-boss";

import { batches, inFlight, note, plan, play, ready, timed } from "./program.mjs";

const QUEUE = "fires";
const BATCH = 1000;
// How many a poll may take.
const AT_ONCE = 1000;
const CONNECTIONS = 20;

async function started() {
  const boss = new PgBoss({ connectionString: plan.store, max: CONNECTIONS });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  return boss;
}

function send(boss, number, atMs) {
  return boss.send(QUEUE, { number, nominalMs: atMs }, { startAfter: new Date(atMs) });
}

async function create() {
  const boss = await started();
  await timed(async () => {
    if (!plan.bulk) return inFlight((number, firstMs) => send(boss, number, firstMs));
    for (const batch of batches(BATCH)) {
      await boss.insert(
        batch.map(([number, firstMs]) => ({
          name: QUEUE,
          data: { number, nominalMs: firstMs },
          startAfter: new Date(firstMs),
        })),
      );
    }
  });
}

async function work() {
  const boss = await started();
  await boss.createQueue(QUEUE);
  const options = { pollingIntervalSeconds: plan.poll_ms / 1000, batchSize: AT_ONCE };
  await boss.work(QUEUE, options, async (fires) => {
    for (const { data } of fires) note(data.number, data.nominalMs);
    if (plan.every_ms === null) return;
    await Promise.all(
      fires.map(({ data }) => send(boss, data.number, data.nominalMs + plan.every_ms)),
    );
  });
  ready();
}

await play({ create, work });
