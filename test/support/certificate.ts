/**
 * A certificate for 127.0.0.1 that signs itself, made when it is needed, so that none is kept that runs out.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** Both in PEM. Who is to trust the server takes `cert` for an authority. */
export interface Certificate {
  readonly key: string
  readonly cert: string
}

/** A certificate for 127.0.0.1 and localhost, for a day. */
export function selfSignedCertificate(): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const now = Date.now()
  const name = sequence(der(SET, sequence(objectId('550403'), der(UTF8, Buffer.from('127.0.0.1')))))
  const certified = sequence(
    der(0xa0, der(INTEGER, Buffer.from([2]))), // version 3
    // A leading 1 keeps the number positive and without zeros in front.
    der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(now - HOUR), time(now + 24 * HOUR)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(basicConstraints(), subjectAltName())),
  )
  const signature = sign('sha256', certified, privateKey)
  const certificate = sequence(
    certified,
    ECDSA_WITH_SHA256,
    der(BIT_STRING, Buffer.concat([Buffer.alloc(1), signature])),
  )
  const lines = certificate.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  }
}

const HOUR = 3_600_000

const BOOLEAN = 0x01
const INTEGER = 0x02
const BIT_STRING = 0x03
const OCTET_STRING = 0x04
const OBJECT_ID = 0x06
const UTF8 = 0x0c
const GENERALIZED_TIME = 0x18
const SEQUENCE = 0x30
const SET = 0x31

/** A value in DER: its tag, its length, its bytes. */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(content)
  const { length } = bytes
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), bytes])
}

const sequence = (...content: readonly Buffer[]) => der(SEQUENCE, ...content)

const objectId = (hex: string) => der(OBJECT_ID, Buffer.from(hex, 'hex'))

const ECDSA_WITH_SHA256 = sequence(objectId('2a8648ce3d040302'))

function time(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replace(/[-T:]|\.\d+/g, '')
  return der(GENERALIZED_TIME, Buffer.from(digits))
}

/** It is an authority, the one that signed it. */
function basicConstraints(): Buffer {
  const isAuthority = der(BOOLEAN, Buffer.from([0xff]))
  return sequence(objectId('551d13'), isAuthority, der(OCTET_STRING, sequence(isAuthority)))
}

function subjectAltName(): Buffer {
  const names = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))
  return sequence(objectId('551d11'), der(OCTET_STRING, names))
}
