import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "/",
  build: { outDir: "../static", emptyOutDir: true, target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/api": "http://127.0.0.1:8080",
      "/sign-in": "http://127.0.0.1:8080",
      "/healthz": "http://127.0.0.1:8080",
      "/stream": { target: "ws://127.0.0.1:8080", ws: true },
    },
  },
  test: { include: ["test/**/*.test.ts"], environment: "node" },
});
