export function App() {
  return <main>Trigger Platform</main>
}
