/** What a thread runs: tasks come as messages, and answers go back, in the same order. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Lane } from './lane.js'
import { type Answer, type RowPlan, type TaskMessage, type TaskResult, UP } from './messages.js'

function serve(port: MessagePort, plan: RowPlan): void {
  const lane = new Lane(plan)
  port.postMessage(UP)
  let last = Promise.resolve()
  port.on('message', ({ task, memory }: TaskMessage) => {
    last = last.then(async () => {
      try {
        const result = await lane.run(task, memory)
        await printed()
        const answer: Answer = { result }
        port.postMessage(answer, handedOver(result))
      } catch (failure) {
        const answer: Answer = { failure }
        port.postMessage(answer)
      }
    })
  })
}

/** Resolves when what the user's modules have printed was passed on: a thread is ended without being asked. */
async function printed(): Promise<void> {
  for (const output of [process.stdout, process.stderr]) {
    if (output.writableLength > 0) await new Promise<void>((resolve) => output.write('', () => resolve()))
  }
}

/** What is handed over. */
const handedOver = ({ made, memory, input }: TaskResult): ArrayBuffer[] => [
  ...made.flatMap(({ lines }) => lines?.buffer ?? []),
  ...memory,
  ...(input ? [input] : []),
]

if (parentPort !== null) serve(parentPort, workerData as RowPlan) // as `Crew` gives it
