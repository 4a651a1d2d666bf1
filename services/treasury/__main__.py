from services.treasury.main import main

main()
