/** The reader's own choice of light, dark or what the system has; kept in this browser alone. */
export type Theme = 'light' | 'dark' | 'system'

const KEY = 'etp.theme'
const system = matchMedia('(prefers-color-scheme: dark)')

export function chosenTheme(): Theme {
  const kept = localStorage.getItem(KEY)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

export function chooseTheme(theme: Theme): void {
  localStorage.setItem(KEY, theme)
  apply()
}

function apply(): void {
  const chosen = chosenTheme()
  const isDark = chosen === 'dark' || (chosen === 'system' && system.matches)
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light'
}

// Before the first paint: the page is empty until scripts have run.
apply()
system.addEventListener('change', apply)
addEventListener('storage', apply)
