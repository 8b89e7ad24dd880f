"""What every scenario needs: servers, workers, taps, load, figures."""
