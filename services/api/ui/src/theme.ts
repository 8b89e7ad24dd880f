// Before the first paint: the reader's own choice, else the system's.
const chosen = localStorage.getItem('etp.theme')
const isDark =
  chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
document.documentElement.dataset.theme = isDark ? 'dark' : 'light'

export {}
