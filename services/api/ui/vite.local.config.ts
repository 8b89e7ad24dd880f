import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// The gateway serves what is built here under /ui/. Its content security policy is
// `default-src 'self'` without exceptions: nothing may be inlined, neither assets nor scripts.
export default defineConfig({
  base: '/ui/',
  plugins: [react()],
  build: {
    outDir: '../trigger_api/built_ui',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    // The licences of what is bundled, in a file beside it.
    license: true,
  },
  // `npm run dev` beside a platform at its usual port: the page from here, the API from there.
  server: { proxy: { '^/(?!ui/)': 'http://127.0.0.1:8123' } },
})
