// Sends one claim to your intake topic and waits for its receipt:
//   node send-claim.mjs CLAIM_NUMBER ID_NUMBER CREDIT_CODE YYYY-MM-DD
// KAFKA_BOOTSTRAP_SERVERS and CRADLE_SOURCE say where and as whom; with CRADLE_KAFKA_SECURITY=SSL your certificate is in
// CRADLE_TLS_CERTIFICATE, CRADLE_TLS_KEY and CRADLE_TLS_AUTHORITIES.
import { createHmac, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import protobuf from 'protobufjs'

const here = dirname(fileURLToPath(import.meta.url))
const { KAFKA_BOOTSTRAP_SERVERS, CRADLE_SOURCE = 'sandbox', ...env } = process.env
const INTAKE = `claims.intake.v1.${CRADLE_SOURCE}`
const RECEIPT = `claims.receipt.v1.${CRADLE_SOURCE}`
const WAIT_MS = 60_000

// The contract as it is in the repository. What only annotates fields (buf/validate, cradle/options) is not needed.
async function contract() {
  const root = new protobuf.Root()
  protobuf.parse('syntax = "proto3"; package google.type; message Date { int32 year = 1; int32 month = 2; int32 day = 3; }', root)
  root.resolvePath = (_, name) => (/^cradle\/(claims|common|registry)\//.test(name) ? join(here, '../../../protos', name) : null)
  await root.load(['cradle/claims/v1/intake.proto', 'cradle/claims/v1/receipt.proto'], { keepCase: true })
  return {
    ClaimIntake: root.lookupType('cradle.claims.v1.ClaimIntake'),
    ClaimReceipt: root.lookupType('cradle.claims.v1.ClaimReceipt'),
  }
}

// docs/intake.md, "The key": published, and the same for every sender.
function memberKey(idNumber) {
  const folded = idNumber.normalize('NFKC').trim().toUpperCase()
  return createHmac('sha256', 'cradle.claims.intake.v1/member_key').update(folded).digest().subarray(0, 16)
}

function kafka() {
  const ssl = env.CRADLE_KAFKA_SECURITY === 'SSL' && {
    ca: readFileSync(env.CRADLE_TLS_AUTHORITIES),
    cert: readFileSync(env.CRADLE_TLS_CERTIFICATE),
    key: readFileSync(env.CRADLE_TLS_KEY),
  }
  return new Kafka({ clientId: CRADLE_SOURCE, brokers: KAFKA_BOOTSTRAP_SERVERS.split(','), ssl, logLevel: logLevel.ERROR })
}

async function send(client, idNumber, value) {
  const producer = client.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  // acks -1: from the answer on, the claim is Cradle's responsibility; before it, send the same again.
  const [place] = await producer.send({ topic: INTAKE, acks: -1, messages: [{ key: memberKey(idNumber), value }] })
  await producer.disconnect()
  return `${place.topicName}/${place.partition}/${place.baseOffset}`
}

// A receipt names the record it answers. It may come twice, with the same receipt_id.
async function receiptOf(client, place, ClaimReceipt) {
  const consumer = client.consumer({ groupId: `source.${CRADLE_SOURCE}.${randomUUID()}` })
  await consumer.connect()
  await consumer.subscribe({ topic: RECEIPT, fromBeginning: true })
  try {
    return await new Promise((found, missed) => {
      setTimeout(() => missed(new Error(`no receipt within ${WAIT_MS} ms; send the same again`)), WAIT_MS).unref()
      consumer.run({
        eachMessage: async ({ message }) => {
          const receipt = ClaimReceipt.toObject(ClaimReceipt.decode(message.value), { enums: String, longs: String, defaults: true })
          const at = receipt.position
          if (`${at.topic}/${at.partition}/${at.offset}` === place) found(receipt)
        },
      })
    })
  } finally {
    await consumer.disconnect()
  }
}

const [number, idNumber, creditCode, delivered] = process.argv.slice(2)
const [year, month, day] = delivered.split('-').map(Number)
const { ClaimIntake, ClaimReceipt } = await contract()
const intake = ClaimIntake.fromObject({
  submit: {
    claim: {
      claim_number: number,
      person_id_number: idNumber,
      employer_uscc: creditCode,
      county: '610304',
      kind: 'CLAIM_KIND_ALLOWANCE',
      event: {
        type: 'EVENT_TYPE_DELIVERY',
        date: { year, month, day },
        delivery_mode: 'DELIVERY_MODE_VAGINAL',
        infants: 1,
        birth_order: 1,
      },
      submit_time: { seconds: Date.UTC(year, month - 1, day + 1) / 1000 },
    },
  },
})
const client = kafka()
const place = await send(client, idNumber, ClaimIntake.encode(intake).finish())
console.log(JSON.stringify({ place, receipt: await receiptOf(client, place, ClaimReceipt) }))
process.exit(0)
