import { type Batch, toObject } from '../records/batch.js'
import { Stage } from './stage.js'

/** Batches to plain JavaScript objects, one by one. */
export class ObjectsStage extends Stage {
  constructor() {
    super('objects', {}, { readableHighWaterMark: 256 })
  }

  protected override handle(batch: Batch): Batch {
    this.counters.in += batch.records.length
    this.counters.out += batch.records.length
    return batch
  }

  protected override give(batch: Batch): void {
    for (const record of batch.records) this.push(toObject(record))
  }
}
