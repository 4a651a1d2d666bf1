"""Between the public formats and the model: `facts` reads, `notice` puts a trace into words."""
