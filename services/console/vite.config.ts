/// <reference types="vitest/config" />
import { readdir, readFile, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import react from "@vitejs/plugin-react";
import { type SelectorComponent, transform } from "lightningcss";
import { defineConfig, type Plugin } from "vite";

const MANTINE_CLASS = /\bm_[0-9a-f]{6,8}\b/g;

/**
 * Leaves out the rules of components that nothing uses: Mantine's classes have names that stand
 * in its code as they are, so a class that no script of the bundle names is on no element.
 */
function dropUnused(): Plugin {
  return {
    name: "drop-unused",
    apply: "build",
    enforce: "post",
    generateBundle(_, bundle) {
      const files = Object.values(bundle);
      const code = files.flatMap((file) => (file.type === "chunk" ? [file.code] : []));
      const used = new Set(code.flatMap((text) => text.match(MANTINE_CLASS) ?? []));
      for (const file of files) {
        if (file.type !== "asset" || !file.fileName.endsWith(".css")) continue;
        file.source = onlyUsed(Buffer.from(file.source), used);
      }
    },
  };
}

function onlyUsed(css: Uint8Array, used: ReadonlySet<string>): Uint8Array {
  const isUsed = (part: SelectorComponent) =>
    part.type !== "class" || !part.name.startsWith("m_") || used.has(part.name);
  return transform({
    filename: "bundle.css",
    code: css,
    minify: true,
    visitor: {
      Rule: {
        style: ({ value }) =>
          value.selectors.some((selector) => selector.every(isUsed)) ? undefined : [],
      },
    },
  }).code;
}

const COMPRESSIBLE = new Set([".css", ".html", ".js", ".svg"]);

/** Lays a `.br` and a `.gz` beside each file, so that serving costs no compression. */
function precompress(): Plugin {
  return {
    name: "precompress",
    apply: "build",
    async writeBundle({ dir = "dist" }) {
      const files = await readdir(dir, { recursive: true });
      const worth = files.filter((file) => COMPRESSIBLE.has(extname(file)));
      await Promise.all(worth.map((file) => compress(join(dir, file))));
    },
  };
}

async function compress(path: string): Promise<void> {
  const content = await readFile(path);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
  await writeFile(`${path}.br`, await promisify(brotliCompress)(content, quality));
  await writeFile(`${path}.gz`, await promisify(gzip)(content, { level: 9 }));
}

const API = process.env.MARQUEE_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), dropUnused(), precompress()],
  resolve: { tsconfigPaths: true },
  build: {
    assetsDir: "static",
    target: "es2023",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // they know light-dark() by themselves
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      "^/(api|media|problems|docs|openapi.json|readyz)": API,
      "/ws": { target: API, ws: true },
    },
  },
  test: {
    environment: "jsdom",
    setupFiles: "src/testing/setup.ts",
    include: ["src/**/*.test.{ts,tsx}"],
    testTimeout: 20_000,
    maxWorkers: 2,
  },
});
