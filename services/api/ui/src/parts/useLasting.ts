import { useEffect, useState } from 'react'

/** Whether it has been so for a while, in milliseconds: what is over at once is worth no flash. */
export function useLasting(is: boolean, ms = 300): boolean {
  const [lasts, setLasts] = useState(false)
  useEffect(() => {
    if (!is) return setLasts(false)
    const timer = setTimeout(() => setLasts(true), ms)
    return () => clearTimeout(timer)
  }, [is, ms])
  return is && lasts
}
