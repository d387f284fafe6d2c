// A browser's client as Node runs it: node upload.mjs COMMAND FILE ENDPOINT TOKEN STORE [BYTES]
//
//   start    sends until BYTES have been accepted, and stops there
//   resume   goes on with what was started before, as the store of URLs remembers it
//   whole    sends everything, with the beginning in the request that announces it
//   abort    starts, stops after BYTES, and terminates
//
// Prints one line of JSON: the upload's URL, the asset's path, the bytes that were accepted.

import { createReadStream, statSync } from 'node:fs'
import { basename } from 'node:path'
import { FileUrlStorage, Upload } from 'tus-js-client'

const [command, path, endpoint, token, store, bytes] = process.argv.slice(2)

const told = { accepted: 0, resumedAt: null, url: null, location: null }

function tell() {
  console.log(JSON.stringify(told))
  process.exit(0)
}

const upload = new Upload(createReadStream(path), {
  endpoint,
  uploadSize: statSync(path).size,
  chunkSize: command === 'whole' ? Infinity : 64 * 1024,
  uploadDataDuringCreation: command === 'whole',
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: basename(path), filetype: 'video/mp4', title: 'From a browser' },
  urlStorage: new FileUrlStorage(store),
  storeFingerprintForResuming: true,
  fingerprint: async () => `film-${path}`,
  removeFingerprintOnSuccess: true,
  retryDelays: [100, 500, 1000],
  onAfterResponse(_request, response) {
    told.location = response.getHeader('Content-Location') ?? told.location
  },
  async onChunkComplete(_size, accepted) {
    told.accepted = accepted
    told.url = upload.url
    if (bytes && accepted >= Number(bytes)) {
      await upload.abort(command === 'abort')
      tell()
    }
  },
  onSuccess() {
    told.url = upload.url
    tell()
  },
  onError(error) {
    console.error(String(error))
    process.exit(1)
  },
})

if (command === 'resume') {
  const [previous] = await upload.findPreviousUploads()
  if (!previous) {
    console.error('nothing to resume')
    process.exit(2)
  }
  told.resumedAt = previous.uploadUrl
  upload.resumeFromPreviousUpload(previous)
}
upload.start()
